// SPDX-License-Identifier: Apache-2.0

/** A size as Spark writes it: a whole number with k, m, g or t. */
export const SIZE_PATTERN = "^[1-9][0-9]*[kmgtKMGT]$";
/** A duration: a whole number with ms, s, m or h. */
export const DURATION_PATTERN = "^[0-9]+(ms|s|m|h)$";
/** A name that fits a Kubernetes label with room for Spark's suffixes (RFC 1123, 40 characters). */
export const NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$";
/** Name of an environment variable, as POSIX has it. */
export const VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$";
/** Name of a dataset, so that `{data.NAME}` can name it. */
export const DATASET_PATTERN = "^[A-Za-z][A-Za-z0-9_]*$";
/** Name of a Kubernetes object: a DNS subdomain (RFC 1123). */
export const OBJECT_PATTERN = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$";
/** Name of a container image, with a tag, a digest or both (OCI distribution specification). */
export const IMAGE_PATTERN = "^[A-Za-z0-9][-A-Za-z0-9._:/@]*$";
/** A place inside a container. */
export const FOLDER_PATTERN = "^/[^\\s:]+$";
/** When something starts, as cron writes it: five fields, or one of the words of Kubernetes. */
export const CRON_PATTERN = "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|\\S+( +\\S+){4})$";
/** A range of addresses (CIDR). */
export const RANGE_PATTERN = "^[0-9A-Fa-f.:]+/[0-9]{1,3}$";
/** Name of a file that a ConfigMap can hold. */
export const FILE_PATTERN = "^[A-Za-z0-9_][-A-Za-z0-9_.]{0,99}$";
/** Coordinates of a Maven artifact. */
export const COORDINATES_PATTERN = "^[-A-Za-z0-9_.]+:[-A-Za-z0-9_.]+:[-A-Za-z0-9_.]+$";
/** An address that is asked by TLS. */
export const HTTPS_PATTERN = "^https://\\S+$";
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
  duration: { pattern: DURATION_PATTERN, words: "a duration is a whole number with ms, s, m or h", example: "90s" },
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
  image: {
    pattern: IMAGE_PATTERN,
    words: "an image has a name, and a tag or better a digest",
    example: "registry.example/bulwark-spark@sha256:...",
  },
  folder: { pattern: FOLDER_PATTERN, words: "a place in a container begins with /", example: "/mnt/models" },
  cron: { pattern: CRON_PATTERN, words: "a schedule has the five fields of cron", example: "30 4 * * 1-5" },
  range: { pattern: RANGE_PATTERN, words: "a range of addresses is an address and a length", example: "10.20.0.0/16" },
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
