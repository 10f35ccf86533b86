// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findRefusedSettings, refusedVariableIssues } from "./find-refused.ts";
import { ALLOWED_ON_PURPOSE, PROFILE_VALUES, type ProfileName, REFUSED_SETTINGS } from "./refused-settings.ts";
import { matchesAny } from "./wildcard.ts";

const codesOf = (conf: Record<string, string | number | boolean>, profile: ProfileName = "aes-gcm"): string[] =>
  findRefusedSettings(conf, profile).map(({ code }) => code);

/** Names as Spark 4.3, Hadoop 3.5 and Parquet 1.17 read them, alternative and deprecated ones included. */
const WEAKENING = [
  "spark.authenticate.secret",
  "spark.authenticate.secret.file",
  "spark.authenticate.secret.driver.file",
  "spark.authenticate.enableSaslEncryption",
  "spark.network.crypto.keyLength",
  "spark.network.crypto.config.cipher.classes",
  "spark.network.sasl.serverAlwaysEncrypt",
  "spark.io.crypto.cipher.transformation",
  "spark.io.encryption.commons.config.secure.random.classes",
  "spark.ssl.enabled",
  "spark.ssl.ui.port",
  "spark.ssl.rpc.openSslEnabled",
  "spark.ui.filters",
  "spark.ui.view.acls",
  "spark.ui.acls.enable",
  "spark.acls.enable",
  "spark.admin.acls.groups",
  "spark.modify.acls",
  "spark.ui.reverseProxyUrl",
  "spark.ui.proxyBase",
  "spark.ui.port",
  "spark.ui.store.path",
  "spark.master",
  "spark.submit.deployMode",
  "spark.remote",
  "spark.driver.bindAddress",
  "spark.blockManager.port",
  "spark.local.dir",
  "spark.checkpoint.dir",
  "spark.eventLog.dir",
  "spark.redaction.regex",
  "spark.redaction.string.regex",
  "spark.driver.extraClassPath",
  "spark.executor.extraClassPath",
  "spark.files.userClassPathFirst",
  "spark.yarn.user.classpath.first",
  "spark.yarn.keytab",
  "spark.shuffle.service.enabled",
  "spark.shuffle.manager",
  "spark.rpc",
  "spark.metrics.conf.*.sink.jmx.class",
  "spark.hadoop.parquet.crypto.factory.class",
  "spark.hadoop.parquet.encryption.kms.client.class",
  "spark.hadoop.parquet.encryption.key.access.token",
  "spark.hadoop.parquet.encryption.plaintext.footer",
  "spark.hadoop.bulwark.keyring",
  "spark.hadoop.hadoop.security.credential.provider.path",
  "spark.hadoop.mapreduce.output.fileoutputformat.compress.codec",
  "spark.hadoop.mapred.output.compress",
  "spark.hadoop.mapred.output.compression.codec",
  "spark.hadoop.io.compression.codecs",
  "spark.jars.ivySettings",
  "spark.kubernetes.authenticate.driver.serviceAccountName",
  "spark.kubernetes.executor.podTemplateFile",
  "spark.kubernetes.executor.volumes.hostPath.x.mount.path",
  "spark.kubernetes.executor.secretKeyRef._SPARK_SSL_RPC_KEY_PASSWORD",
  // Hadoop's and Parquet's names on their own: Spark would leave them out without a word.
  "parquet.crypto.factory.class",
  "hadoop.security.credential.provider.path",
];

for (const name of WEAKENING) {
  test(`${name} is refused`, () => assert.deepEqual(codesOf({ [name]: "x" }), ["JOB_SETTING_REFUSED"]));
}

test("ordinary settings pass", () => {
  const conf = {
    "spark.sql.shuffle.partitions": 8,
    "spark.sql.adaptive.enabled": true,
    "spark.memory.fraction": "0.5",
    "spark.rpc.message.maxSize": "512",
    "spark.hadoop.fs.s3a.endpoint": "https://store.example",
    "spark.kafka.clusters.one.sasl.mechanism": "SCRAM-SHA-512",
    "spark.jars.packages": "io.delta:delta-spark_2.13:4.0.0",
    "spark.executor.extraJavaOptions": "-XX:+UseG1GC",
    "spark.ui.retainedStages": 100,
    "spark.kubernetes.driver.label.app.kubernetes.io/name": "x",
  };
  assert.deepEqual(codesOf(conf), []);
});

test("what was allowed on purpose passes", () => {
  const names = ALLOWED_ON_PURPOSE.flatMap((row) => row.names);
  assert.deepEqual(codesOf(Object.fromEntries(names.map((name) => [name, "https://x"])), "tls").length, 2);
  const withoutOptions = names.filter((name) => !name.endsWith("JavaOptions"));
  assert.deepEqual(codesOf(Object.fromEntries(withoutOptions.map((name) => [name, "https://x"]))), []);
});

test("the value a profile sets anyway passes, the other profile's does not", () => {
  assert.deepEqual(codesOf(PROFILE_VALUES["aes-gcm"]), []);
  assert.deepEqual(codesOf(PROFILE_VALUES.tls, "tls"), []);
  assert.deepEqual(codesOf({ "spark.network.crypto.enabled": false }), ["JOB_SETTING_REFUSED"]);
  assert.deepEqual(codesOf({ "spark.network.crypto.enabled": true }, "tls"), ["JOB_SETTING_REFUSED"]);
});

test("settings with a key of their own are conflicts", () => {
  assert.deepEqual(codesOf({ "spark.executor.memory": "2g", "spark.executorEnv.X": "1" }), [
    "JOB_CONFLICT",
    "JOB_CONFLICT",
  ]);
});

test("options, values and secrets are looked into", () => {
  const refused: [string, string][] = [
    ["spark.driver.extraJavaOptions", "-Dspark.authenticate=false"],
    ["spark.executor.extraJavaOptions", "-javaagent:/x.jar"],
    ["spark.app.note", "x\nspark.authenticate=false"],
    ["spark.app.note", `\${env:SECRET}`],
    ["spark.hadoop.fs.s3a.secret.key", "abc"],
    ["spark.sql.catalog.shop.password", "abc"],
    ["spark.jars.repositories", "https://a.example,http://b.example"],
  ];
  for (const [name, value] of refused) {
    const [found, ...more] = findRefusedSettings({ [name]: value }, "aes-gcm");
    assert.equal(found?.code, "JOB_SETTING_REFUSED", name);
    assert.equal(found.path, `sparkConf.${name}`);
    assert.equal(more.length, 0);
    assert.equal(JSON.stringify(found).includes(value), false, "a finding repeats no value");
  }
});

const part = fc.string({ unit: fc.constantFrom(..."abcXYZ019"), minLength: 1, maxLength: 8 });

/** A concrete name of a table row: each star becomes something. */
const nameOf = (pattern: string): fc.Arbitrary<string> =>
  fc
    .array(part, { minLength: pattern.split("*").length, maxLength: 4 })
    .map((parts) => pattern.split("*").reduce((name, rest, index) => `${name}${parts[index] ?? "x"}${rest}`));

/** Ways to write a name so that a reader, a properties file or Spark could take it for the plain one. */
const SPELLINGS: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => name.toUpperCase(),
  (name) => ` ${name}`,
  (name) => `${name} `,
  (name) => `\t${name}`,
  (name) => `${name}\u00a0`,
  (name) => `\ufeff${name}`,
  (name) => name.replace("s", "\\u0073"),
  (name) => name.replace(".", "\\."),
  (name) => name.replace("a", "\u0430"),
  (name) => `${name}=x`,
  (name) => `${name}:x`,
  (name) => `spark.x\n${name}`,
  (name) => `spark.x\r${name}`,
  (name) => `spark.x=1\\n${name}`,
  (name) => `--conf ${name}`,
];

test("no name of the table passes in any spelling, whatever its value", () => {
  const rows = fc
    .constantFrom(...REFUSED_SETTINGS)
    .chain((row) => fc.constantFrom(...row.names).chain((pattern) => nameOf(pattern).map((name) => ({ row, name }))));
  const value = fc.oneof(fc.constantFrom("true", "false", "0", "none", ""), fc.string({ maxLength: 12 }));
  fc.assert(
    fc.property(
      rows,
      fc.constantFrom(...SPELLINGS),
      value,
      fc.constantFrom("aes-gcm", "tls"),
      (made, spell, text, profile) => {
        const { row, name } = made;
        fc.pre(!matchesAny(name, row.except ?? []));
        fc.pre(PROFILE_VALUES[profile][name] !== text.trim());
        assert.equal(codesOf({ [spell(name)]: text }, profile).length, 1);
      },
    ),
    { numRuns: 2000 },
  );
});

test("variables that weaken or hold secrets are refused by name", () => {
  const env = {
    LD_PRELOAD: "x",
    AWS_SECRET_ACCESS_KEY: "abc",
    DB_PASSWORD: "abc",
    OMP_NUM_THREADS: "4",
    API_TOKEN_FILE: "f",
  };
  const issues = refusedVariableIssues(env, ["driver", "env"]);
  assert.deepEqual(
    issues.map(({ code, at }) => [code, at.at(-1)]),
    ["LD_PRELOAD", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD"].map((name) => ["JOB_SETTING_REFUSED", name]),
  );
  assert.equal(JSON.stringify(issues).includes("abc"), false);
});
