// SPDX-License-Identifier: Apache-2.0

// Patterns that the checks of a job file and the schema of the chart share. `(?i:...)` is known to ECMAScript and to Go.

/**
 * What a setting's name may be made of. Escapes, blanks, line breaks, `=` and `:` have a meaning in a properties file,
 * so a name with them could become another name on its way to Spark.
 */
export const SETTING_NAME_PATTERN = "^spark\\.[A-Za-z0-9_.$/*-]+$";
/** What Spark replaces by the environment, the JVM's properties or another setting when it reads a value. */
export const LATE_VALUE_PATTERN = "(?i:\\$\\{\\s*(env|system|spark))";
/** Settings whose value would be a secret. */
export const SECRET_SETTING_PATTERN =
  "(?i:(secret|password|passwd|passphrase|token|(access|secret|private|api|account)[._-]?key)$|\\.account\\.key\\.)";
/** Variables whose value would be a secret. */
export const SECRET_VARIABLE_PATTERN =
  "(?i:(^|_)(SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|(ACCESS|SECRET|PRIVATE|API)_?KEY)(_ID)?$)";
