// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { describeKeys } from "../document/describe.ts";
import { FORMS } from "../document/forms.ts";
import { ERRORS } from "../errors/index.ts";
import { JOB_KEYS } from "../job/generated/keys.ts";
import { POLICY_KEYS } from "../policy/generated/keys.ts";
import {
  renderChartSchema,
  renderEditorSchema,
  renderErrors,
  renderJobFile,
  renderPolicy,
  renderRefusedSettings,
  renderServingReadme,
  renderServingSchema,
  renderServingValues,
  SERVING_VALUES,
} from "./index.ts";
import { SCHEMAS, toJsonSchema } from "./schema.ts";

test("the keys read at run time are those of the schema", () => {
  assert.deepEqual(JOB_KEYS, describeKeys(toJsonSchema(SCHEMAS.job)));
  assert.deepEqual(POLICY_KEYS, describeKeys(toJsonSchema(SCHEMAS.policy)));
});

test("every key has a description", () => {
  assert.deepEqual(
    [...JOB_KEYS, ...POLICY_KEYS].filter(({ description }) => description === ""),
    [],
  );
});

test("the pages name every error, key and refused setting", () => {
  for (const code of Object.keys(ERRORS)) assert.ok(renderErrors().includes(`\`${code}\``), code);
  for (const { key } of JOB_KEYS) assert.ok(renderJobFile().includes(`\`${key}\``), key);
  for (const { key } of POLICY_KEYS.filter((row) => !row.key.startsWith("deny.NAME."))) {
    assert.ok(renderPolicy().includes(`\`${key}\``), key);
  }
  assert.ok(renderRefusedSettings().includes("`spark.authenticate.*`"));
});

/** Every node of a JSON document that is a map. */
function listNodes(value: unknown): Readonly<Record<string, unknown>>[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.values(value).flatMap(listNodes);
  return Array.isArray(value) ? inner : [value as Readonly<Record<string, unknown>>, ...inner];
}

test("no enum has two items that some reader takes for equal", () => {
  const schemas = [
    renderEditorSchema(SCHEMAS.job),
    renderEditorSchema(SCHEMAS.policy),
    renderChartSchema(),
    renderServingSchema(),
  ];
  for (const schema of schemas) {
    const lists = listNodes(JSON.parse(schema)).flatMap((node) => (Array.isArray(node.enum) ? [node.enum] : []));
    assert.ok(lists.length > 0);
    for (const list of lists) assert.equal(new Set(list.map(String)).size, list.length, JSON.stringify(list));
  }
});

test("every pattern of a value has words that say what it means", () => {
  const known = new Set<unknown>(Object.values(FORMS).map(({ pattern }) => pattern));
  for (const source of Object.values(SCHEMAS)) {
    const wordless = listNodes(toJsonSchema(source)).filter(
      ({ type, pattern }) => type === "string" && pattern !== undefined && !known.has(pattern),
    );
    assert.deepEqual(wordless, [], source.what);
  }
});

test("the editors' schema is draft 7, asks for no key that has a default, and still refuses", () => {
  const validate = new Ajv({ strict: false }).compile(JSON.parse(renderEditorSchema(SCHEMAS.job)));
  assert.equal(validate({ jar: "a.jar", data: { a: { path: "x" } }, args: [1, "b"] }), true);
  assert.equal(validate({ jar: "a.jar", data: { a: {} } }), false);
  assert.equal(validate({ jar: "a.jar", typo: 1 }), false);
  assert.equal(validate({ jar: "a.jar", driver: { env: { "1X": "a" } } }), false);
});

test("the values of serving are described, and their defaults meet their schema", () => {
  const keys = describeKeys(SERVING_VALUES);
  assert.deepEqual(
    keys.filter(({ description }) => description === ""),
    [],
  );
  for (const { key } of keys) assert.ok(renderServingReadme().includes(`\`${key}\``), key);
  const validate = new Ajv({ strict: false }).compile(JSON.parse(renderServingSchema()));
  const defaults = parse(renderServingValues());
  assert.ok(validate(defaults), JSON.stringify(validate.errors));
  assert.ok(!validate({ gateway: { replicas: 0 } }));
});
