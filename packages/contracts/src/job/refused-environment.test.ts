// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusedVariable } from "./refused-environment.ts";

const REFUSED = [
  "SPARK_CONF_DIR",
  "SPARK_HOME",
  "SPARK_LOCAL_DIRS",
  "SPARK_LOCAL_IP",
  "SPARK_SUBMIT_OPTS",
  "SPARK_JAVA_OPTS",
  "SPARK_DAEMON_JAVA_OPTS",
  "SPARK_USER",
  "_SPARK_AUTH_SECRET",
  "_SPARK_SSL_RPC_KEY_PASSWORD",
  "PYSPARK_PYTHON",
  "PYSPARK_DRIVER_PYTHON",
  "PYSPARK_SUBMIT_ARGS",
  "PYSPARK_GATEWAY_SECRET",
  "PYTHONPATH",
  "JAVA_TOOL_OPTIONS",
  "JDK_JAVA_OPTIONS",
  "_JAVA_OPTIONS",
  "CLASSPATH",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "LD_AUDIT",
  "HADOOP_CONF_DIR",
  "HADOOP_TOKEN_FILE_LOCATION",
  "YARN_CONF_DIR",
  "CONTAINER_ID",
  "LOCAL_DIRS",
  "TMPDIR",
  "OPENSSL_CONF",
  "SSLKEYLOGFILE",
  "BASH_ENV",
  "BASH_FUNC_x%%",
  "BULWARK_ANYTHING",
];

for (const name of REFUSED) {
  test(`${name} is refused`, () => assert.equal(isRefusedVariable(name), true));
}

for (const name of [
  "PATH",
  "HOME",
  "LANG",
  "TZ",
  "OMP_NUM_THREADS",
  "TOKENIZERS_PARALLELISM",
  "HADOOP_USER_NAME",
  "ENVIRONMENT",
]) {
  test(`${name} passes`, () => assert.equal(isRefusedVariable(name), false));
}
