// SPDX-License-Identifier: Apache-2.0
import { formatProperties } from "./properties-file.ts";

/** Log4j 2 settings of one role: everything from INFO on into `file`, nothing on the streams of the application. */
export function loggingConfiguration(file: string): string {
  return `status = error
appender.file.type = File
appender.file.name = file
${formatProperties({ "appender.file.fileName": file })}appender.file.immediateFlush = true
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %c{1}: %m%n%ex
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
# Known noise that is no failure.
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.jetty.name = org.sparkproject.jetty
logger.jetty.level = warn
`;
}
