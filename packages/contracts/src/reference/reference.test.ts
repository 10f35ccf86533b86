// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { describeKeys } from "../document/describe.ts";
import { ERRORS } from "../errors/index.ts";
import { JOB_KEYS } from "../job/generated/keys.ts";
import { POLICY_KEYS } from "../policy/generated/keys.ts";
import {
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
