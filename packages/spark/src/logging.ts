// SPDX-License-Identifier: Apache-2.0
import { formatProperties } from "./properties-file.ts";

const PATTERN = "%d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %c{1}: %m%n%ex";
const QUIET = `# Known noise that is no failure.
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.jetty.name = org.sparkproject.jetty
logger.jetty.level = warn
`;

/** Log4j 2 settings of one role: everything from INFO on into `file`, nothing on the streams of the application. */
export function loggingConfiguration(file: string): string {
  return `status = error
appender.file.type = File
appender.file.name = file
${formatProperties({ "appender.file.fileName": file })}appender.file.immediateFlush = true
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = ${PATTERN}
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
${QUIET}`;
}

/** Log4j 2 settings in a pod: everything from INFO on to the error stream, so that output is the application's alone. */
export const CONSOLE_LOGGING = `status = error
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = ${PATTERN}
rootLogger.level = info
rootLogger.appenderRef.stderr.ref = stderr
${QUIET}`;
