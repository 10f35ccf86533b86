// SPDX-License-Identifier: Apache-2.0
import { type JsonSchema, toEditorSchema } from "../document/describe.ts";
import { allowedOptionsPattern, refusedPropertiesPattern } from "../job/java-options.ts";
import { RENAMED } from "../job/old-names.ts";
import { CREDENTIALS_PATTERN, type MULTILINE, NUL_PATTERN, ONE_LINE_PATTERN } from "../job/plain-text.ts";
import { REFUSED_VARIABLES } from "../job/refused-environment.ts";
import { PROFILE_VALUES, REFUSED_SETTINGS } from "../job/refused-settings.ts";
import {
  LATE_VALUE_PATTERN,
  SECRET_SETTING_PATTERN,
  SECRET_VARIABLE_PATTERN,
  SETTING_NAME_PATTERN,
} from "../job/setting-names.ts";
import { patternOf } from "../job/wildcard.ts";
import { SCHEMAS, toJsonSchema } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** `(?i:...)` is known to Go, whose expressions Helm uses, and to ECMAScript. */
const anyCase = (pattern: string): string => `^(?i:${pattern})$`;
const union = (names: readonly string[]): string => names.map((name) => `(?:${patternOf(name)})`).join("|");

type NameRule = { names: readonly string[]; except?: readonly string[] };

/** Names that meet no rule: for each rule, not among its names, or among its exceptions. */
function refuseNames(rules: readonly NameRule[], always: readonly Json[]): Json[] {
  const plain = rules.filter(({ except }) => except === undefined).flatMap(({ names }) => names);
  const excepted = rules.flatMap(({ names, except }) =>
    except === undefined
      ? []
      : [{ anyOf: [{ not: { pattern: anyCase(union(names)) } }, { pattern: anyCase(union(except)) }] }],
  );
  return [{ not: { pattern: anyCase(union(plain)) } }, ...excepted, ...always];
}

/** What every profile sets anyway may stand in a job file with exactly that value. */
const sameInEachProfile = Object.entries(PROFILE_VALUES["aes-gcm"]).filter(
  ([key, value]) => PROFILE_VALUES.tls[key] === value,
);

/** A value as text, and as what YAML makes of it without quotes. Some of Helm's versions take 256 and "256" in one `enum` for doubled. */
function sameAs(value: string): Json {
  const plain = /^(true|false|\d+)$/.test(value) ? [JSON.parse(value)] : [];
  return { anyOf: [value, ...plain].map((one) => ({ const: one })) };
}

/** `sparkConf`: names and values that would weaken a profile are refused by plain Helm, too. */
function refuseSettings({ patternProperties: _, ...schema }: JsonSchema): Json {
  const harmless = { enum: sameInEachProfile.map(([key]) => key) };
  return {
    ...schema,
    propertyNames: {
      anyOf: [
        harmless,
        {
          allOf: refuseNames(REFUSED_SETTINGS, [
            { pattern: SETTING_NAME_PATTERN },
            { not: { pattern: SECRET_SETTING_PATTERN } },
          ]),
        },
      ],
    },
    properties: {
      ...Object.fromEntries(sameInEachProfile.map(([key, value]) => [key, sameAs(value)])),
      ...Object.fromEntries(
        ["spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"].map((key) => [
          key,
          { type: "string", pattern: allowedOptionsPattern(), not: { pattern: refusedPropertiesPattern() } },
        ]),
      ),
      "spark.jars.repositories": { type: "string", pattern: "^ *https://[^, ]+( *, *https://[^, ]+)* *$" },
    },
    additionalProperties: {
      type: ["string", "number", "boolean"],
      not: { type: "string", pattern: LATE_VALUE_PATTERN },
    },
  };
}

const refuseVariables = (schema: JsonSchema): Json => ({
  ...schema,
  propertyNames: { allOf: refuseNames(REFUSED_VARIABLES, [{ not: { pattern: SECRET_VARIABLE_PATTERN } }]) },
});

const refuseValue =
  (value: string) =>
  (schema: JsonSchema): Json => ({ ...schema, not: { const: value } });

/** Keys at which the chart's schema says more than the job file's, whose own rules say it with line and mend. */
const STRICTER: readonly [path: readonly string[], change: (schema: JsonSchema) => Json][] = [
  [["sparkConf"], refuseSettings],
  [["driver", "env"], refuseVariables],
  [["executor", "env"], refuseVariables],
  [["trust", "release"], refuseValue("attested")],
];

const changeAt = (
  schema: JsonSchema,
  [name, ...rest]: readonly string[],
  change: (found: JsonSchema) => Json,
): Json => {
  if (name === undefined) return change(schema);
  const child = schema.properties?.[name];
  if (child === undefined) throw new TypeError(`the schema has no key ${name}`);
  return { ...schema, properties: { ...schema.properties, [name]: changeAt(child, rest, change) } };
};

const propertyAt = (schema: JsonSchema, path: readonly string[]): JsonSchema | undefined =>
  path.reduce<JsonSchema | undefined>((found, name) => found?.properties?.[name], schema);

/** Older names, each with the form of the key it stands for. */
function oldNames(schema: JsonSchema): Json {
  return Object.fromEntries(
    Object.entries(RENAMED).map(([old, path]) => {
      const { default: _, ...form } = propertyAt(schema, path) ?? {};
      const today = `Older name of ${path.join(".")}`;
      return [old, old === "sgx" ? { type: "boolean", description: today } : { ...form, description: today }];
    }),
  );
}

const PLAIN_TEXT = { $ref: "#/definitions/plainText" };

/**
 * Every text and every name below a value, however deep: what `findFlaw` finds. Each of its words speaks of one type
 * alone, so it fits beside whatever else is said of a value.
 */
const plainText: Json = {
  pattern: ONE_LINE_PATTERN,
  not: { type: "string", pattern: CREDENTIALS_PATTERN },
  propertyNames: { pattern: ONE_LINE_PATTERN },
  additionalProperties: PLAIN_TEXT,
  items: PLAIN_TEXT,
};

/** Places where text may have several lines; `global` belongs to others. */
const OTHER_TEXTS: Readonly<Record<(typeof MULTILINE)[number] | "global", Json>> = {
  program: {},
  args: { items: { not: { type: "string", pattern: `${NUL_PATTERN}|${CREDENTIALS_PATTERN}` } } },
  global: {},
};

/** Rules over several keys that a schema can say. */
const TOGETHER: readonly Json[] = [
  { properties: OTHER_TEXTS, additionalProperties: PLAIN_TEXT },
  { not: { required: ["jar", "python"] } },
  {
    if: {
      properties: { trust: { properties: { tee: { enum: ["sgx", "tdx", "snp"] } }, required: ["tee"] } },
      required: ["trust", "image"],
    },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    then: { properties: { image: { pattern: "@sha256:[0-9a-f]{64}$" } } },
  },
  {
    if: {
      properties: { queue: { properties: { scheduler: { const: "kueue" } }, required: ["scheduler"] } },
      required: ["queue"],
    },
    // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema
    then: { properties: { dynamicAllocation: { properties: { enabled: { const: false } } } } },
  },
];

/** `charts/spark-job/values.schema.json`: draft 7, within what Helm 3 and 4 know. */
export function renderChartSchema(): string {
  const { $schema, ...base } = toEditorSchema(toJsonSchema(SCHEMAS.job));
  const strict = STRICTER.reduce<JsonSchema>(
    (schema, [path, change]) => changeAt(schema, path, change) as JsonSchema,
    base,
  );
  const schema = {
    $schema,
    ...strict,
    title: "Values of a Spark job",
    description: "Generated by scripts/generate.ts from the job file's schema. Do not edit",
    properties: {
      ...strict.properties,
      ...oldNames(base),
      global: { type: "object", description: "Values of a parent chart; not read" },
    },
    allOf: TOGETHER,
    definitions: { plainText },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
