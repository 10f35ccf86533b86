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
/** Text with something in it. */
export const FILLED_PATTERN = "\\S";

/** The forms of text a job file knows: what each is in words, and one example of it. */
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
  filled: { pattern: FILLED_PATTERN, words: "it may not be empty", example: "path/to/it" },
} as const;
