// SPDX-License-Identifier: Apache-2.0
// Whatever stands in a value stays in its place in the files that pods read, even where Helm asks no schema.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { find, findHelms, type Outcome, type Rendered, render } from "./chart/helm.ts";
import { readJavaProperties } from "./chart/java-properties.ts";
import { objectsOf, settingsOf as servingSettingsOf } from "./chart/serving-rendered.ts";
import { SERVING_VARIANTS } from "./chart/serving-variants.ts";

const helms = findHelms();
const [helm = ""] = helms;
const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;
const flags = ["--skip-schema-validation"];
const image = "registry.example/bulwark-spark:1";

const renderUnchecked = (values: object, program = helm): Outcome => render(program, { image, ...values }, { flags });
function filesOf(values: object, program?: string): Rendered {
  const outcome = renderUnchecked(values, program);
  assert.ok("objects" in outcome, "refused" in outcome ? outcome.refused : "");
  return find(outcome.objects, "ConfigMap", "pi-conf").data;
}
const settingsOf = (values: object) => readJavaProperties(filesOf(values)["spark.properties"]);

test("properties are read as java.util.Properties reads them", () => {
  const rows: [text: string, settings: Record<string, string>][] = [
    ["a=b\nc = d\r\ne:f\rg h", { a: "b", c: "d", e: "f", g: "h" }],
    ["# a=b\n  ! c\n\n  d=e", { d: "e" }],
    ["a=b\\\n  c\\\\\nd=\\ e ", { a: "bc\\", d: " e " }],
    ["a\\ b\\=c\\:d=e\\nf\\tg\\u0085\\q", { "a b=c:d": "e\nf\tg\u0085q" }],
    ["a=b\na=c", { a: "c" }],
  ];
  for (const [text, settings] of rows) assert.deepEqual(readJavaProperties(text), settings, text);
});

/** Every character that ends a line for Java or for YAML, and what would come behind it. */
const BREAKS = ["\n", "\r", "\r\n", "\u0085", "\u2028", "\u2029"];
const smuggled = BREAKS.map((end) => `/a${end}spark.authenticate=false${end}  spark.plugins=evil`);

test("a line break in a value writes no further setting", { skip }, () => {
  const names = Object.keys(filesOf({}));
  const plain = settingsOf({});
  for (const program of helms) {
    for (const text of smuggled) {
      const env = { A: text };
      const sparkConf = { "spark.x": text };
      const files = filesOf({ pyFiles: [text], files: [text], executor: { env }, sparkConf }, program);
      assert.deepEqual(Object.keys(files), names);
      assert.deepEqual(readJavaProperties(files["spark.properties"]), {
        ...plain,
        "spark.submit.pyFiles": `file://${text}`,
        "spark.files": `file://${text}`,
        "spark.executorEnv.A": text,
        "spark.x": text,
      });
    }
  }
});

const trim = (text: string): string => text.replace(/^[\s\u0085]+|[\s\u0085]+$/g, "");

test("settings are read back as they were written, whatever they are made of", { skip }, () => {
  const character = fc.constantFrom(..."\\\"'=:#!%$,ab \t\n\r\f\u0085\u2028\u2029äπ🙂{}<>&|");
  const text = fc.string({ unit: character, maxLength: 12 });
  fc.assert(
    fc.property(fc.dictionary(text, text, { minKeys: 10, maxKeys: 40 }), (env) => {
      // Settings lose the blanks around them, for Spark takes them off, too.
      const settings = Object.entries(env).map(([key, value]) => [trim(`spark.k${key}`), trim(value)]);
      const found = settingsOf({ executor: { env }, sparkConf: Object.fromEntries(settings) });
      const variables = Object.entries(env).map(([key, value]) => [`spark.executorEnv.${key}`, value]);
      const expected = { ...settingsOf({}), ...Object.fromEntries([...settings, ...variables]) };
      assert.deepEqual(found, expected);
    }),
    { numRuns: 10 },
  );
});

test("where a file has one option a line, a line break is refused", { skip }, () => {
  const values = (text: string): object[] => [
    { eventLog: { dir: `s3a://a${text}` } },
    { eventLog: { pvc: "logs", dir: `a${text}` } },
    { security: { secrets: { applicationEntry: `secret${text}` } } },
    { security: { profile: `tls${text}` } },
    { sparkConf: { "spark.driver.extraJavaOptions": `-Xss1m${text}` } },
    { maven: { packages: ["a:b:1"], mirror: `https://maven.example${text}` } },
  ];
  for (const end of BREAKS) {
    for (const one of values(`${end}-javaagent:/evil.jar`)) {
      assert.ok("refused" in renderUnchecked(one), JSON.stringify(one));
    }
  }
});

test("an option with a blank is one option, and the address of a mirror is no XML", { skip }, () => {
  const entry = "secret -javaagent:/evil.jar";
  const { "driver.jvm": options } = filesOf({ security: { secrets: { applicationEntry: entry } } });
  assert.ok(options.includes(`\n"-Dbulwark.application.secret=/etc/bulwark/secrets/application/${entry}"\n`));
  const mirror = 'https://maven.example/"/><evil a="';
  const { "ivysettings.xml": settings } = filesOf({ maven: { packages: ["a:b:1"], mirror } });
  assert.ok(settings.includes('root="https://maven.example/&#34;/&gt;&lt;evil a=&#34;"'));
});

test("what ends a line for YAML alone stays in its place in files of JSON", { skip }, () => {
  const path = "/a\u0085evil.properties: x\u2028y";
  const files = filesOf({ data: { a: { path } }, driver: { env: { A: path } } });
  assert.equal(JSON.parse(files["datasets.json"])[0].path, path);
  const reader = filesOf({ eventLog: { dir: "s3a://a/b" }, driver: { env: { A: path } } })["driver.yaml"];
  const { value } = JSON.parse(reader).spec.containers[0].env.find(({ name }: Rendered) => name === "A");
  assert.equal(value, path);
  const models = { path };
  const serving = objectsOf(helm, { ...SERVING_VARIANTS.direct, models }, { flags });
  assert.equal(servingSettingsOf(serving, "gateway").models, path);
});
