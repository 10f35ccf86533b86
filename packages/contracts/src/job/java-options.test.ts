// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findRefusedOptions } from "./java-options.ts";

const PASS = [
  "",
  "-XX:+UseG1GC -XX:MaxGCPauseMillis=200 -Xss4m",
  "-Dmy.app.mode=fast -Duser.timezone=UTC -Dfile.encoding=UTF-8",
  '-Dgreeting="hello world" -ea',
  "--add-opens=java.base/java.lang=ALL-UNNAMED",
  "-Xlog:gc*,safepoint",
  "-XX:-OmitStackTraceInFastThrow\t-XX:MaxDirectMemorySize=1g",
];

const REFUSED = [
  "-Dspark.authenticate=false",
  "-DSpark.network.crypto.enabled=false",
  "'-Dspark.authenticate=false'",
  '-D"spark.authenticate"=false',
  "-Dsp'ark'.authenticate=false",
  "-Dbulwark.events=/tmp/x",
  "-javaagent:/tmp/a.jar",
  "-agentlib:jdwp=transport=dt_socket,server=y",
  "-agentpath:/tmp/a.so",
  "-Xrunjdwp:transport=dt_socket",
  "-Xdebug",
  "-Dcom.sun.management.jmxremote.port=9999",
  "-XX:+HeapDumpOnOutOfMemoryError",
  "-XX:HeapDumpPath=/tmp",
  "-XX:OnOutOfMemoryError=sh",
  "-XX:Flags=/tmp/f",
  "-XX:VMOptionsFile=/tmp/f",
  "-XX:SharedArchiveFile=/tmp/a.jsa",
  "-XX:+StartAttachListener",
  "-XX:StartFlightRecording=filename=/tmp/x",
  "-XX:-BytecodeVerificationRemote",
  "-Xshare:off",
  "-Xbootclasspath/a:/tmp/x.jar",
  "-Xlog:gc:file=/tmp/gc.log",
  "-Xloggc:/tmp/gc.log",
  "-Xmx8g",
  "@/tmp/args",
  "-cp /tmp/x.jar",
  "--patch-module=java.base=/tmp",
  "-Djdk.tls.disabledAlgorithms=",
  "-Djava.security.properties=/tmp/p",
  "-Djavax.net.ssl.trustStore=/tmp/t",
  "-Djava.io.tmpdir=/tmp",
  "-Dlog4j2.configurationFile=/tmp/l",
  "-Djava.library.path=/tmp",
  "-Dx=\\\\ -javaagent:/a.jar",
  '-Dx="open',
  `-Dx=\${spark.y}`,
  "-Dx=1\u00a0-javaagent:/a.jar",
];

for (const text of PASS) {
  test(`passes: ${text}`, () => assert.deepEqual(findRefusedOptions(text), []));
}

for (const text of REFUSED) {
  test(`refused: ${text}`, () => assert.equal(findRefusedOptions(text).length > 0, true));
}

test("a refused option is found among any others, whatever blanks part them", () => {
  const words = fc.array(fc.constantFrom("-XX:+UseG1GC", "-ea", "-Da.b=c", '-Dq="x y"'), { maxLength: 4 });
  const bad = fc.constantFrom("-javaagent:/a.jar", "-Dspark.x=1", "-XX:OnError=sh");
  fc.assert(
    fc.property(words, bad, words, fc.constantFrom(" ", "\t", "\n", "  "), (before, option, after, blank) => {
      assert.equal(findRefusedOptions([...before, option, ...after].join(blank)).length, 1);
    }),
  );
});

test("values are not repeated", () => {
  const [found] = findRefusedOptions("-Djavax.net.ssl.keyStorePassword=hunter2");
  assert.equal(JSON.stringify(found).includes("hunter2"), false);
});
