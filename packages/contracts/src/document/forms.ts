// SPDX-License-Identifier: Apache-2.0

/** A size as Spark writes it: a whole number with k, m, g or t. */
export const SIZE_PATTERN = "^[1-9][0-9]*[kmgtKMGT]$";
/** A duration: a whole number with ms, s, m or h, so short that its seconds are an int32, as Kubernetes keeps them. */
export const DURATION_PATTERN = "^([0-9]{1,12}ms|[0-9]{1,9}s|[0-9]{1,7}m|[0-9]{1,5}h)$";
/** A name that fits a Kubernetes label with room for Spark's suffixes (RFC 1123, 40 characters). */
export const NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$";
/** Name of an environment variable, as POSIX has it. */
export const VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$";
/** Name of a dataset, so that `{data.NAME}` can name it. */
export const DATASET_PATTERN = "^[A-Za-z][A-Za-z0-9_]*$";
/** Name of a Kubernetes object: a DNS subdomain (RFC 1123). */
export const OBJECT_PATTERN = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$";
/** The same, or nothing. */
export const OPTIONAL_OBJECT_PATTERN = `^$|${OBJECT_PATTERN}`;
const HOST_LABEL = "[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?";
const REGISTRY = `(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]{1,5})?`;
const REPOSITORY = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
/** Name of a container image, with a tag, a digest or both (OCI distribution specification). */
export const IMAGE_PATTERN = `^(?:${REGISTRY}/)?${REPOSITORY}(?:/${REPOSITORY})*(?::[A-Za-z0-9_][-A-Za-z0-9_.]{0,127})?(?:@sha256:[0-9a-f]{64})?$`;
/** A place inside a container, in the one way to write it: no `.`, no `..`, no empty step, so that it can be compared. */
export const FOLDER_PATTERN = "^(?:/(?:[^\\s:/.]|\\.[^\\s:/.]|\\.\\.[^\\s:/])[^\\s:/]*)+$";

const orderOf = (words: string): readonly string[] => words.split(" ");
const CRON_MONTHS = orderOf("jan feb mar apr may jun jul aug sep oct nov dec");
const CRON_DAYS = orderOf("sun mon tue wed thu fri sat");
/** Words of a schedule that stand for numbers, in their order. */
export const CRON_WORDS: readonly string[] = [...CRON_MONTHS, ...CRON_DAYS];
/** Not `(?i:...)`: this pattern is in the schema for editors, and not all of them know it. */
const inAnyCase = (words: readonly string[]): string =>
  words.map((word) => word.replaceAll(/./g, (letter) => `[${letter.toUpperCase()}${letter}]`)).join("|");
const CRON_VALUES = [
  "[0-5]?[0-9]",
  "(?:[01]?[0-9]|2[0-3])",
  "(?:0?[1-9]|[12][0-9]|3[01])",
  `(?:0?[1-9]|1[0-2]|${inAnyCase(CRON_MONTHS)})`,
  `(?:0?[0-6]|${inAnyCase(CRON_DAYS)})`,
];
const CRON_FIELDS = CRON_VALUES.map((value) => {
  const part = `(?:[*?]|${value}(?:-${value})?)(?:/0*[1-9][0-9]{0,2})?`;
  return `${part}(?:,${part})*`;
});
/** When something starts, as cron writes it: five fields, or one of the words of Kubernetes. */
export const CRON_PATTERN = `^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|${CRON_FIELDS.join(" +")})$`;
/** Name of a time zone as the tz database writes it; whether there is such a zone is a rule of its own. */
export const ZONE_PATTERN = "^[A-Z][-+A-Za-z0-9_]*(/[A-Z][-+A-Za-z0-9_]*)*$";

const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const GROUP = "[0-9A-Fa-f]{1,4}";
/** An IPv6 address: eight groups, or fewer around one `::`. */
const IPV6 = [
  `(?:${GROUP}:){7}${GROUP}`,
  `(?:${GROUP}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(?:${GROUP}:){1,${before}}(?::${GROUP}){1,${7 - before}}`),
  `:(?:(?::${GROUP}){1,7}|:)`,
].join("|");
/** A range of addresses (CIDR). */
export const RANGE_PATTERN = `^(${OCTET}(?:\\.${OCTET}){3}/(?:[12]?[0-9]|3[0-2])|(?:${IPV6})/(?:[1-9]?[0-9]|1[01][0-9]|12[0-8]))$`;
/** Address of an API server, alone or as Spark writes it. */
export const MASTER_PATTERN = "^(k8s://)?https://[^\\s/?#]+(/[^\\s?#]*)?$";
/** Init data of a confidential VM: what gzip makes, in base64. */
export const INIT_DATA_PATTERN = "^H4sI[A-Za-z0-9+/=]+$";
/** Name of a file that a ConfigMap can hold. */
export const FILE_PATTERN = "^[A-Za-z0-9_][-A-Za-z0-9_.]{0,99}$";
/** Coordinates of a Maven artifact. */
export const COORDINATES_PATTERN = "^[-A-Za-z0-9_.]+:[-A-Za-z0-9_.]+:[-A-Za-z0-9_.]+$";
/** An address that is asked by TLS. */
export const HTTPS_PATTERN = "^https://\\S+$";
/** Number of a model's version. */
export const MODEL_VERSION_PATTERN = "^[1-9][0-9]{0,9}$";
/** Name of a stream in Redis, without what separates its names of keys. */
export const STREAM_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$";
/** What BigDL's clients get of an output, or nothing for all of it. */
export const POST_PROCESSING_PATTERN = "^\\s*$|^\\s*(pickTopN|topN)\\(\\s*[1-9][0-9]{0,8}\\s*\\)\\s*$";
/** Text with something in it. */
export const FILLED_PATTERN = "\\S";

/** Bytes in hex digits, capital or small, as many as a field has. */
const hexPattern = (bytes: number): string => `^[0-9a-fA-F]{${bytes * 2}}$`;
/** A day of the calendar; whether it exists is a rule of its own. */
export const DATE_PATTERN = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
/** A name of a rule, with spaces and dots where its author likes. */
export const LABEL_PATTERN = "^[A-Za-z0-9]([-_. A-Za-z0-9]{0,62}[A-Za-z0-9])?$";
export const ADVISORY_PATTERN = "^INTEL-(SA|DOC)-[0-9]{5}$";

const hexForm = (bytes: number) => ({
  pattern: hexPattern(bytes),
  words: `it is ${bytes * 2} hex digits (${bytes} bytes)`,
  example: `${"0".repeat(bytes * 2 - 2)}5f`,
});

/** The forms of text our documents know: what each is in words, and one example of it. */
export const FORMS = {
  size: { pattern: SIZE_PATTERN, words: "a size is a whole number with k, m, g or t", example: "2g" },
  duration: {
    pattern: DURATION_PATTERN,
    words: "a duration is a whole number with ms, s, m or h, at most 99999h",
    example: "90s",
  },
  name: {
    pattern: NAME_PATTERN,
    words: "a name has small letters, digits and dashes, at most 40, a letter or digit at both ends",
    example: "sales-report",
  },
  variable: {
    pattern: VARIABLE_PATTERN,
    words: "the name of a variable has letters, digits and underscores, no digit first",
    example: "OMP_NUM_THREADS",
  },
  dataset: {
    pattern: DATASET_PATTERN,
    words: "the name of a dataset has letters, digits and underscores, a letter first",
    example: "patients",
  },
  object: {
    pattern: OBJECT_PATTERN,
    words: "the name of a Kubernetes object has small letters, digits, dashes and dots, a letter or digit at both ends",
    example: "team-data",
  },
  optionalObject: {
    pattern: OPTIONAL_OBJECT_PATTERN,
    words: 'it is the name of a Kubernetes object, or "" for none',
    example: "team-secret",
  },
  image: {
    pattern: IMAGE_PATTERN,
    words:
      "an image is REGISTRY/NAME in small letters, with :TAG or better @sha256: and the 64 hex digits of its digest",
    example: "registry.example/bulwark-spark:1.0",
  },
  folder: {
    pattern: FOLDER_PATTERN,
    words: "a place in a container begins with / and has neither . nor .. nor // nor a / at its end",
    example: "/mnt/models",
  },
  cron: {
    pattern: CRON_PATTERN,
    words: "a schedule has the five fields of cron: minute, hour, day, month, day of the week (0 to 6)",
    example: "30 4 * * 1-5",
  },
  zone: { pattern: ZONE_PATTERN, words: "a time zone is named as in the tz database", example: "Europe/Berlin" },
  range: {
    pattern: RANGE_PATTERN,
    words: "a range of addresses is an address and a length, at most 32, for IPv6 128",
    example: "10.20.0.0/16",
  },
  master: {
    pattern: MASTER_PATTERN,
    words: "it begins with https:// or k8s://https://",
    example: "k8s://https://10.0.0.1:6443",
  },
  initData: {
    pattern: INIT_DATA_PATTERN,
    words: "init data is TOML, compressed by gzip, in base64",
    example: "H4sIAAAAAAAAAwMAAAAAAAAAAAA=",
  },
  file: {
    pattern: FILE_PATTERN,
    words: "the name of a file has letters, digits, dots, dashes and underscores",
    example: "report.py",
  },
  coordinates: {
    pattern: COORDINATES_PATTERN,
    words: "an artifact of Maven is group:name:version",
    example: "org.postgresql:postgresql:42.7.7",
  },
  https: { pattern: HTTPS_PATTERN, words: "it begins with https://", example: "https://maven.example/releases" },
  modelVersion: { pattern: MODEL_VERSION_PATTERN, words: "a version is a whole number from 1 on", example: "1" },
  stream: {
    pattern: STREAM_PATTERN,
    words:
      "the name of a stream has letters, digits, dots, dashes and underscores, a letter or digit first, at most 128",
    example: "serving_stream",
  },
  postProcessing: {
    pattern: POST_PROCESSING_PATTERN,
    words: "it is topN(n) or pickTopN(n), with a number, or nothing",
    example: "topN(5)",
  },
  label: {
    pattern: LABEL_PATTERN,
    words: "such a name has letters, digits, spaces, dots and dashes, at most 64, a letter or digit at both ends",
    example: "training-2026-03",
  },
  date: { pattern: DATE_PATTERN, words: "a date is year, month and day", example: "2026-12-31" },
  acceptance: {
    pattern: `^always$|${DATE_PATTERN}`,
    words: "it is `always`, or the last day on which it is accepted",
    example: "2026-12-31",
  },
  advisory: {
    pattern: ADVISORY_PATTERN,
    words: "an advisory is INTEL-SA- and five digits",
    example: "INTEL-SA-00615",
  },
  hex6: hexForm(6),
  hex8: hexForm(8),
  hex16: hexForm(16),
  hex32: hexForm(32),
  hex48: hexForm(48),
  hex64: hexForm(64),
  filled: { pattern: FILLED_PATTERN, words: "it may not be empty", example: "path/to/it" },
} as const;

/** How many bytes the hex digits of a form stand for. */
export const HEX_BYTES: Readonly<Partial<Record<string, number>>> = {
  hex6: 6,
  hex8: 8,
  hex16: 16,
  hex32: 32,
  hex48: 48,
  hex64: 64,
};
