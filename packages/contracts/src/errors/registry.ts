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
  // Clusters
  KUBECONFIG_MISSING: entry("invalid", 400, "No kubeconfig was found, so it is not known which cluster is meant"),
  KUBECONFIG_INVALID: entry("invalid", 400, "The kubeconfig cannot be read, or lacks what a safe connection needs"),
  CONTEXT_UNKNOWN: entry("invalid", 400, "The kubeconfig has no such context"),
  CLUSTER_UNREACHABLE: entry("unreachable", 503, "The API server of the cluster does not answer"),
  CLUSTER_UNTRUSTED: entry(
    "unreachable",
    502,
    "The certificate of the API server is not the one that the kubeconfig demands",
  ),
  CLUSTER_UNAUTHENTICATED: entry(
    "notPermitted",
    401,
    "The cluster does not accept the credentials, or they have expired",
  ),
  CLUSTER_FORBIDDEN: entry("notPermitted", 403, "The cluster does not permit this to you"),
  CLUSTER_REFUSED: entry("invalid", 422, "The API server refused an object"),
  CLUSTER_CONFLICT: entry("invalid", 409, "An object of this name is there already, or was changed meanwhile"),
  OBJECT_MISSING: entry("invalid", 404, "An object that the job names is not in the cluster"),
  WATCH_EXPIRED: entry("unreachable", 410, "The API server no longer has the changes asked for; they are listed anew"),
  NAMESPACE_UNKNOWN: entry("invalid", 404, "The namespace does not exist"),
  RELEASE_UNKNOWN: entry("usage", 404, "No job of this name is in the namespace"),
  RELEASE_EXISTS: entry("invalid", 409, "A release of this name is in the namespace already"),
  RELEASE_NAME_INVALID: entry("invalid", 400, "A name that a release cannot have"),
  SECRET_MISMATCH: entry("invalid", 409, "Secrets that must fit each other do not"),
  PREFLIGHT_FAILED: entry("invalid", 400, "The cluster cannot run the job as it is; each reason is a finding"),
  HELM_MISSING: entry("invalid", 500, "Helm was not found, or is of a version that is not supported"),
  HELM_FAILED: entry("invalid", 500, "Helm could not do what was asked"),
  POD_UNSCHEDULABLE: entry("timedOut", 503, "No node of the cluster can take a pod of the job"),
  POD_START_FAILED: entry(
    "invalid",
    500,
    "A pod of the job cannot start: image, Secret, ConfigMap, claim or runtime class",
  ),
  POD_KILLED: entry("jobFailed", 500, "A pod of the job was killed: memory, eviction, node"),
  LOGS_GONE: entry("invalid", 404, "The pods whose logs were asked for are gone"),
  LEFTOVERS_REMAIN: entry("timedOut", 500, "Objects of a deleted release were still there when the time was over"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
