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

  // Serving
  TENSOR_MALFORMED: entry("invalid", 400, "A request whose tensors cannot be read"),
  TENSOR_TOO_LARGE: entry("invalid", 413, "A request, a tensor or its nesting is larger than allowed"),
  TENSOR_SHAPE: entry("invalid", 400, "A shape that does not fit its data, or the model"),
  TENSOR_DATATYPE: entry("invalid", 400, "A datatype that is unknown, or not the model's"),
  TENSOR_VALUE: entry("invalid", 400, "A value that its datatype does not have"),
  TENSOR_MISSING: entry("invalid", 400, "An input that the model needs is missing"),
  TENSOR_UNKNOWN: entry("invalid", 400, "An input or output that the model does not have"),
  IMAGE_UNREADABLE: entry("invalid", 400, "Bytes that should be an image cannot be decoded"),
  MODEL_UNKNOWN: entry("invalid", 404, "No model has this name"),
  MODEL_VERSION_UNKNOWN: entry("invalid", 404, "The model has no such version or label"),
  MODEL_NOT_READY: entry("unreachable", 503, "The model is known but not loaded"),
  MODEL_FORMAT: entry("invalid", 422, "The model is not in a format that the engine runs"),
  MODEL_LOAD_FAILED: entry("invalid", 500, "The model could not be loaded"),
  MODEL_FAILED: entry("jobFailed", 500, "The model ran and failed"),
  MODEL_MEMORY: entry("invalid", 507, "The model needs more memory than is left for it"),
  MODEL_REPOSITORY: entry("invalid", 400, "The model repository or its settings cannot be used"),
  ENGINE_LOST: entry("unreachable", 503, "The worker died while it computed the request"),
  ENGINE_BUSY: entry("unreachable", 503, "The server has as many requests waiting as it may have"),
  SERVING_DEADLINE: entry("timedOut", 504, "The deadline of the request passed before it was computed"),
  SERVING_CANCELLED: entry("interrupted", 499, "The caller went away before the request was computed"),
  SERVING_STOPPING: entry("unreachable", 503, "The server is ending and takes no new requests"),
  SERVING_LIMIT: entry("notPermitted", 429, "The caller sends more than its limit allows"),
  SERVING_UNAUTHENTICATED: entry("notPermitted", 401, "The caller gave no valid token or certificate"),
  SERVING_REQUEST: entry("invalid", 400, "A request that the protocol does not have, or that is malformed"),
  SERVING_ROUTE: entry("invalid", 404, "The server has no such path"),
  SERVING_UNSUPPORTED: entry("invalid", 501, "Something of the protocol that this server does not do"),
  SERVING_CONFIG: entry("invalid", 400, "The settings of the server have findings"),
  SERVING_UNREACHABLE: entry("unreachable", 502, "The server does not answer"),
  SERVING_PORT: entry("unreachable", 500, "The server cannot listen at the address"),
  // Serving: the queue
  QUEUE_FULL: entry("unreachable", 503, "As many records wait as may wait, or Redis's memory is full"),
  QUEUE_UNREACHABLE: entry("unreachable", 503, "Redis does not answer, or not in time"),
  QUEUE_REFUSED: entry(
    "notPermitted",
    500,
    "Redis refuses the user, its password, its certificate or what it asks for",
  ),
  QUEUE_EVICTS: entry("invalid", 500, "Redis may throw records away when its memory is full"),
  QUEUE_REDIS_OLD: entry("invalid", 500, "Redis is older than 7.0"),
  QUEUE_NAME_INVALID: entry("invalid", 400, "A name that a stream cannot have"),
  QUEUE_URI_INVALID: entry("invalid", 400, "A name that a record cannot have"),
  QUEUE_DELIVERIES: entry("jobFailed", 500, "The record was given out as often as it may be, and never ended"),
  RECORD_MALFORMED: entry("invalid", 422, "A record or result on the queue has not the expected form"),
  RECORD_TAMPERED: entry("refused", 422, "A record or result was changed, moved or swapped on the queue"),
  RECORD_KEY_UNKNOWN: entry("refused", 403, "A record is sealed under a master key that is not at hand"),
  RESULT_UNKNOWN: entry("invalid", 404, "No result of this name is there, or it has expired"),
  ENGINE_ABSENT: entry("unreachable", 503, "No engine was there to compute the record before its deadline"),
  REDIS_MISSING: entry("invalid", 500, "There is no redis-server on this machine"),
  REDIS_START_FAILED: entry("unreachable", 500, "redis-server did not come up"),
  RELAY_PORT: entry("unreachable", 500, "The relay cannot listen at its address"),
  SERVING_NOT_READY: entry("unreachable", 503, "A part of the serving stack is not ready"),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
