// SPDX-License-Identifier: Apache-2.0
import type { ExitName } from "./exit-codes.ts";

type ErrorEntry = { exit: ExitName; http: number; summary: string };

const entry = (exit: ExitName, http: number, summary: string): ErrorEntry => ({ exit, http, summary });

/**
 * Every error a user can meet, by code. Codes are stable and never reused.
 * Exit code and HTTP status are looked up here at the edge; `docs/reference/errors.md` is generated from it.
 */
export const ERRORS = {
  // The tool itself
  BUG: entry("bug", 500, "Bulwark met a state that its authors did not expect"),
  USAGE: entry("usage", 400, "A command, flag or argument is not known or does not fit"),
  INTERRUPTED: entry("interrupted", 499, "The user interrupted the command"),
  TIMED_OUT: entry("timedOut", 504, "The time limit was reached"),

  CONFIG_INVALID: entry("invalid", 400, "A setting of the tool is unknown or does not fit"),

  // Job file
  JOB_FILE_MISSING: entry("invalid", 400, "The job file does not exist or cannot be read"),
  JOB_FILE_UNREADABLE: entry("invalid", 400, "The job file is a folder, binary, empty or too large"),
  JOB_FILE_SYNTAX: entry("invalid", 400, "The job file is not valid YAML"),
  JOB_INVALID: entry("invalid", 400, "The job file has findings; each is listed with line and mend"),
  JOB_KEY_UNKNOWN: entry("invalid", 400, "A key that no job file has"),
  JOB_KEY_RENAMED: entry("invalid", 400, "An older name of a key; only a warning, the value counts"),
  JOB_TYPE_WRONG: entry("invalid", 400, "A value of the wrong type or form"),
  JOB_VALUE_INVALID: entry("invalid", 400, "A value outside what is allowed"),
  JOB_CONFLICT: entry("invalid", 400, "Two settings that exclude each other, or one that needs another"),
  JOB_SETTING_REFUSED: entry("invalid", 400, "A Spark setting or variable that would weaken the security profile"),
  JOB_FILE_REFERENCE: entry("invalid", 400, "A file or class named by the job does not exist"),
  JOB_TOO_LARGE: entry("invalid", 400, "The job asks for more than this machine has"),

  // Runs
  RUN_UNKNOWN: entry("usage", 404, "No run has this name or id"),
  RUN_ENDED: entry("usage", 409, "The run has ended already"),
  RUN_START_FAILED: entry("jobFailed", 500, "Driver or executors did not come up"),
  JOB_FAILED: entry("jobFailed", 500, "The application ran and failed"),
  EXECUTORS_LOST: entry("jobFailed", 500, "Executors died again and again"),
  SECURITY_MISMATCH: entry("refused", 403, "What was observed in the running application is not what was planned"),
  TEE_ABSENT: entry("refused", 403, "The job demands a trusted execution environment that this machine does not have"),
  OUTPUT_EXISTS: entry("invalid", 409, "Data that the job would write exists already"),
  UI_UNAVAILABLE: entry("unreachable", 503, "The UI of the run cannot be reached"),

  // Encrypted data
  KEYRING_UNSAFE: entry("refused", 403, "A file with secrets can be read by other users"),
  KEY_WRONG: entry("refused", 403, "The data was encrypted under another master key"),
  DATA_MISSING: entry("invalid", 404, "The data does not exist"),
  DATA_MALFORMED: entry("invalid", 422, "A record does not have the form of its format"),
  DATA_TAMPERED: entry("refused", 422, "Encrypted data was changed after it was written"),
  DATA_TRUNCATED: entry("refused", 422, "Encrypted data ends too early"),
  DATA_NOT_PARQUET: entry("invalid", 422, "A file that should be Parquet is not"),
  DATA_NOT_ENCRYPTED: entry("refused", 422, "Plain data where encrypted data was to be read"),
  DATA_FORMAT_UNKNOWN: entry("usage", 400, "A data format that is not known, or that cannot be told from the name"),
  DATASETS_INVALID: entry("bug", 500, "The description of datasets that the plan made cannot be read"),
  COLUMN_UNKNOWN: entry("invalid", 422, "A column that the data does not have"),

  // Java, Python, Spark and our own jar
  JAVA_MISSING: entry("invalid", 500, "No Java was found, or none where the setting points"),
  JAVA_TOO_OLD: entry("invalid", 500, "The Java found is older than Spark needs"),
  PYTHON_MISSING: entry("invalid", 500, "No fitting Python was found"),
  PYTHON_VENV_MISSING: entry("invalid", 500, "Python lacks its venv or ensurepip module"),
  PYTHON_PACKAGES_FAILED: entry("unreachable", 502, "The Python packages that jobs need could not be installed"),
  SPARK_HOME_BROKEN: entry("invalid", 500, "SPARK_HOME holds no Spark, or a version that is not supported"),
  SPARK_DOWNLOAD_FAILED: entry("unreachable", 502, "Spark could not be downloaded"),
  SPARK_DOWNLOAD_DAMAGED: entry("unreachable", 502, "The downloaded Spark does not match its pinned digest"),
  SPARK_INSTALL_FAILED: entry("invalid", 500, "Spark was downloaded but could not be unpacked"),
  CACHE_UNWRITABLE: entry("invalid", 500, "The cache folder cannot be written"),
  DISK_FULL: entry("invalid", 507, "Too little disk space"),
  JAR_MISSING: entry("invalid", 500, "Bulwark's own jar was not built yet"),

  // Keys of this machine
  KEYS_MISSING: entry("invalid", 400, "No keys have been made in this folder"),
  KEYS_EXIST: entry("invalid", 409, "Keys are already there; they are never overwritten"),
  KEYS_MODE_LOOSE: entry("invalid", 400, "A key file or folder is open to other users"),
  KEYS_DAMAGED: entry("invalid", 400, "A key file is missing, unknown or differs from the manifest"),
  KEYS_EXPIRED: entry("invalid", 400, "A certificate is outside its validity"),
  KEYS_EXPIRING: entry("invalid", 400, "A certificate expires soon"),
  KEYS_LEFTOVER: entry("invalid", 400, "A change of the keys was interrupted and left files behind"),
  KEYS_LOCKED: entry("invalid", 409, "Another process is changing the keys"),
  KEYS_UNREADABLE: entry("invalid", 400, "The keys folder cannot be read"),
  KEYS_UNWRITABLE: entry("invalid", 500, "The keys folder cannot be written"),
  KEYS_VALIDITY_INVALID: entry("usage", 400, "A validity in days that certificates cannot have"),
  KEYRING_INVALID: entry("invalid", 400, "The keyring has not the expected form"),
  KEY_NAME_INVALID: entry("usage", 400, "A name that a data key cannot have"),
  KEY_MISSING: entry("invalid", 404, "A data key that the keyring does not hold"),
  KEY_EXISTS: entry("invalid", 409, "The keyring already holds a data key of this name"),

  // Attestation: what the caller gave
  INSTANT_INVALID: entry("invalid", 400, "The instant to verify at is missing, not finite or not a date"),
  TRUSTED_ROOTS_INVALID: entry("invalid", 400, "The trusted roots are empty or have another form"),
  COLLATERAL_INVALID: entry("invalid", 400, "Collateral does not have its form: a key, type or encoding is wrong"),
  REPORT_DATA_INVALID: entry("invalid", 400, "The expected report data is not 64 bytes"),

  // Attestation: the quote (steps B, G, H)
  QUOTE_MALFORMED: entry("refused", 403, "The quote is cut off, or a length in it does not fit"),
  QUOTE_VERSION_UNKNOWN: entry("refused", 403, "The quote has a version other than 3, 4 and 5"),
  QUOTE_KEY_TYPE_UNKNOWN: entry("refused", 403, "The attestation key is not ECDSA P-256"),
  QUOTE_TEE_UNKNOWN: entry("refused", 403, "The TEE type is unknown, or one that this quote version does not carry"),
  QUOTE_BODY_UNKNOWN: entry("refused", 403, "The body type is unknown, or does not fit its TEE type or size"),
  QUOTE_VENDOR_UNKNOWN: entry("refused", 403, "The quoting enclave's vendor is unknown, or not that of the root"),
  QUOTE_CERTIFICATION_UNKNOWN: entry("refused", 403, "The certification data has a type that is not known here"),
  QUOTE_TRAILING_BYTES: entry("refused", 403, "Bytes follow the end of the quote that the caller does not allow"),
  QUOTE_SIGNATURE_INVALID: entry("refused", 403, "The attestation key did not sign this quote"),
  QE_REPORT_SIGNATURE_INVALID: entry("refused", 403, "The PCK key did not sign the report of the quoting enclave"),
  QE_KEY_UNBOUND: entry("refused", 403, "The quoting enclave's report does not vouch for the attestation key"),
  QE_MISCSELECT_WRONG: entry("refused", 403, "MISCSELECT of the quoting enclave is not that of its identity"),
  QE_ATTRIBUTES_WRONG: entry("refused", 403, "Attributes of the quoting enclave are not those of its identity"),
  QE_SIGNER_WRONG: entry("refused", 403, "MRSIGNER of the quoting enclave is not that of its identity"),
  QE_PRODUCT_WRONG: entry("refused", 403, "The product id of the quoting enclave is not that of its identity"),
  QE_DEBUG: entry("refused", 403, "The quoting enclave runs in debug mode"),
  QE_LEVEL_UNKNOWN: entry("refused", 403, "The quoting enclave is older than every level of its identity"),

  // Attestation: certificates and revocation (steps C, D)
  ROOT_UNTRUSTED: entry("refused", 403, "A chain ends in a root that is not trusted, whatever its name"),
  PCK_CHAIN_MALFORMED: entry("refused", 403, "The PCK chain is not three certificates that can be read"),
  PCK_CHAIN_NAME_WRONG: entry("refused", 403, "A certificate of the PCK chain has the wrong name or issuer"),
  PCK_CHAIN_SIGNATURE_INVALID: entry("refused", 403, "A certificate of the PCK chain is not signed by its issuer"),
  PCK_CHAIN_CONSTRAINT_BROKEN: entry("refused", 403, "A certificate of the PCK chain may not be used in its place"),
  PCK_CHAIN_NOT_CURRENT: entry("refused", 403, "A certificate of the PCK chain is outside its validity"),
  PCK_EXTENSION_MALFORMED: entry("refused", 403, "The SGX extension of the PCK certificate cannot be read"),
  PCK_REVOKED: entry("refused", 403, "The PCK certificate is revoked"),
  PCK_CA_REVOKED: entry("refused", 403, "The CA that issued the PCK certificate is revoked"),
  ROOT_CRL_MALFORMED: entry("refused", 403, "The CRL of the root cannot be read"),
  ROOT_CRL_ISSUER_WRONG: entry("refused", 403, "The CRL of the root was issued by another"),
  ROOT_CRL_SIGNATURE_INVALID: entry("refused", 403, "The root did not sign its CRL"),
  ROOT_CRL_NOT_CURRENT: entry("refused", 403, "The CRL of the root is outside its validity"),
  PCK_CRL_MALFORMED: entry("refused", 403, "The CRL of the PCK CA cannot be read"),
  PCK_CRL_ISSUER_WRONG: entry("refused", 403, "The PCK CRL was issued by another CA than the PCK certificate"),
  PCK_CRL_SIGNATURE_INVALID: entry("refused", 403, "The PCK CA did not sign its CRL"),
  PCK_CRL_NOT_CURRENT: entry("refused", 403, "The CRL of the PCK CA is outside its validity"),
  COLLATERAL_MISSING: entry("refused", 403, "An item of collateral is missing, so a check could not be made"),

  // Attestation: TCB info and QE identity (steps E, F)
  TCB_SIGNER_MALFORMED: entry("refused", 403, "The chain of the TCB signer is not two certificates that can be read"),
  TCB_SIGNER_NAME_WRONG: entry("refused", 403, "The TCB signing certificate has the wrong name or issuer"),
  TCB_SIGNER_SIGNATURE_INVALID: entry("refused", 403, "The TCB signing certificate is not signed by the root"),
  TCB_SIGNER_CONSTRAINT_BROKEN: entry("refused", 403, "The TCB signing certificate may not be used in its place"),
  TCB_SIGNER_NOT_CURRENT: entry("refused", 403, "The TCB signing certificate is outside its validity"),
  TCB_SIGNER_REVOKED: entry("refused", 403, "The TCB signing certificate is revoked"),
  TCB_INFO_SIGNATURE_INVALID: entry("refused", 403, "The TCB info is not signed by its signer"),
  TCB_INFO_MALFORMED: entry("refused", 403, "The TCB info cannot be read"),
  TCB_INFO_VERSION_UNKNOWN: entry("refused", 403, "The TCB info has a version that is not known for this TEE"),
  TCB_INFO_KIND_WRONG: entry("refused", 403, "The TCB info is for another TEE than the quote"),
  TCB_INFO_NOT_CURRENT: entry("refused", 403, "The TCB info is outside its validity"),
  TCB_INFO_FMSPC_WRONG: entry("refused", 403, "The TCB info is for another platform family (FMSPC)"),
  TCB_INFO_PCE_ID_WRONG: entry("refused", 403, "The TCB info is for another provisioning enclave (PCE id)"),
  QE_IDENTITY_SIGNATURE_INVALID: entry("refused", 403, "The QE identity is not signed by its signer"),
  QE_IDENTITY_MALFORMED: entry("refused", 403, "The QE identity cannot be read"),
  QE_IDENTITY_VERSION_UNKNOWN: entry("refused", 403, "The QE identity has a version that is not known"),
  QE_IDENTITY_KIND_WRONG: entry("refused", 403, "The QE identity is for another TEE than the quote"),
  QE_IDENTITY_NOT_CURRENT: entry("refused", 403, "The QE identity is outside its validity"),
  TCB_STATUS_UNKNOWN: entry("refused", 403, "A TCB status that is not known here"),

  // Attestation: TDX module, TCB level, attributes (steps I to N)
  TDX_MODULE_UNKNOWN: entry("refused", 403, "The TCB info has no identity for this version of the TDX module"),
  TDX_MODULE_SIGNER_WRONG: entry("refused", 403, "MRSIGNERSEAM is not the signer of the TDX module"),
  TDX_MODULE_ATTRIBUTES_WRONG: entry("refused", 403, "SEAMATTRIBUTES are not zero, or not those of the TDX module"),
  TDX_MODULE_LEVEL_UNKNOWN: entry("refused", 403, "The TDX module is older than every level of its identity"),
  TCB_LEVEL_UNKNOWN: entry("refused", 403, "The platform is older than every level of the TCB info"),
  TCB_REVOKED: entry("refused", 403, "The TCB of platform, quoting enclave or TDX module is revoked"),
  TEE_DEBUG: entry("refused", 403, "The enclave or virtual machine runs in debug mode, so its host can read it"),
  ENCLAVE_NOT_INITIALISED: entry("refused", 403, "The enclave's INIT attribute is clear"),
  TD_ATTRIBUTES_RESERVED: entry("refused", 403, "Reserved attribute bits of the trust domain are set"),
  SIMULATION_MARK_MISSING: entry("refused", 403, "Simulated evidence without the debug bit that marks it"),
  REPORT_DATA_MISMATCH: entry("refused", 403, "The report data is not what the challenge asked for"),

  // Attestation: SEV-SNP
  SNP_REPORT_MALFORMED: entry("refused", 403, "The report does not have the size or form of its version"),
  SNP_VERSION_UNKNOWN: entry("refused", 403, "The report has a version other than 2 to 5"),
  SNP_ALGORITHM_UNKNOWN: entry("refused", 403, "The report is not signed with ECDSA P-384"),
  SNP_CHAIN_MALFORMED: entry("refused", 403, "The endorsement chain is not three certificates that can be read"),
  SNP_CHAIN_NAME_WRONG: entry("refused", 403, "A certificate of the endorsement chain has the wrong name or issuer"),
  SNP_CHAIN_SIGNATURE_INVALID: entry(
    "refused",
    403,
    "A certificate of the endorsement chain is not signed by its issuer",
  ),
  SNP_CHAIN_CONSTRAINT_BROKEN: entry(
    "refused",
    403,
    "A certificate of the endorsement chain may not stand in its place",
  ),
  SNP_CHAIN_NOT_CURRENT: entry("refused", 403, "A certificate of the endorsement chain is outside its validity"),
  SNP_CHAIN_REVOKED: entry("refused", 403, "A certificate of the endorsement chain is revoked"),
  SNP_CRL_MALFORMED: entry("refused", 403, "The CRL of AMD's root cannot be read"),
  SNP_CRL_ISSUER_WRONG: entry("refused", 403, "The CRL was issued by another than AMD's root of this chain"),
  SNP_CRL_SIGNATURE_INVALID: entry("refused", 403, "AMD's root did not sign the CRL"),
  SNP_CRL_NOT_CURRENT: entry("refused", 403, "The CRL of AMD's root is outside its validity"),
  SNP_EXTENSION_MALFORMED: entry("refused", 403, "The extensions of the endorsement certificate cannot be read"),
  SNP_KEY_KIND_WRONG: entry("refused", 403, "The report was signed by another kind of key than the certificate holds"),
  SNP_SIGNATURE_INVALID: entry("refused", 403, "The endorsement key did not sign this report"),
  SNP_CHIP_WRONG: entry("refused", 403, "The report is of another chip than the endorsement certificate"),
  SNP_TCB_WRONG: entry("refused", 403, "The reported TCB is not that of the endorsement certificate"),

  // Attestation: event log
  EVENT_LOG_MALFORMED: entry("refused", 403, "The event log is cut off, or a length in it does not fit"),
  EVENT_LOG_MISMATCH: entry("refused", 403, "Replaying the event log does not give the RTMRs of the quote"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
