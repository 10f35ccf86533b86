// SPDX-License-Identifier: Apache-2.0
import { FORMS } from "./forms.ts";

/** The part of JSON Schema that our documents' schemas use. */
export type JsonSchema = {
  type?: string | readonly string[];
  enum?: readonly string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  default?: unknown;
  description?: string;
  properties?: Readonly<Record<string, JsonSchema>>;
  patternProperties?: Readonly<Record<string, JsonSchema>>;
  additionalProperties?: boolean;
  items?: JsonSchema;
  required?: readonly string[];
};

export type KeyType = keyof typeof FORMS | "text" | "integer" | "boolean" | "choice" | "list" | "map";

/** One key of a document. `NAME` in a key stands for a name that the document chooses. */
export type KeyDescription = {
  key: string;
  type: KeyType;
  /** What the entries of a list or of a map of names are. */
  items?: KeyType;
  default?: unknown;
  choices?: readonly string[];
  range?: { minimum: number; maximum: number };
  /** What bounds the entries of a list or of a map of names. */
  of?: Pick<KeyDescription, "choices" | "range">;
  description: string;
};

const isFormName = (name: string): name is keyof typeof FORMS => Object.hasOwn(FORMS, name);

function typeOf(schema: JsonSchema): KeyType {
  if (schema.enum !== undefined) return "choice";
  if (schema.type === "object") return "map";
  if (schema.type === "array") return "list";
  if (schema.type === "integer" || schema.type === "boolean") return schema.type;
  const form = Object.entries(FORMS).find(([, { pattern }]) => pattern === schema.pattern)?.[0];
  return form !== undefined && isFormName(form) ? form : "text";
}

function describeBounds({ enum: choices, minimum, maximum }: JsonSchema): Pick<KeyDescription, "choices" | "range"> {
  return {
    ...(choices === undefined ? {} : { choices }),
    ...(minimum === undefined || maximum === undefined ? {} : { range: { minimum, maximum } }),
  };
}

function describeKey(key: string, schema: JsonSchema): KeyDescription {
  const entry = schema.items ?? Object.values(schema.patternProperties ?? {})[0];
  const of = entry === undefined ? {} : describeBounds(entry);
  return {
    key,
    type: typeOf(schema),
    ...(entry === undefined ? {} : { items: typeOf(entry) }),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...describeBounds(schema),
    ...(Object.keys(of).length === 0 ? {} : { of }),
    description: schema.description ?? "",
  };
}

/** Every key below a schema, depth first, in the order of the schema. */
export function describeKeys(schema: JsonSchema, prefix = ""): KeyDescription[] {
  const named = Object.values(schema.patternProperties ?? {}).map((child): [string, JsonSchema] => ["NAME", child]);
  return [...Object.entries(schema.properties ?? {}), ...named].flatMap(([name, child]) => {
    const key = `${prefix}${name}`;
    const inner = describeKeys(child, `${key}.`);
    // What a map of names holds is said by the map, unless each entry has keys of its own, or is such a map.
    return name === "NAME" && child.patternProperties === undefined ? inner : [describeKey(key, child), ...inner];
  });
}

/**
 * The schema for editors and charts: JSON Schema draft 7. A key with a default may be left out there, since reading the
 * file fills it in.
 */
export function toEditorSchema(schema: JsonSchema): JsonSchema & { $schema: string } {
  return { $schema: "http://json-schema.org/draft-07/schema#", ...relaxRequired(schema) };
}

function relaxRequired(schema: JsonSchema): JsonSchema {
  const { required, properties, patternProperties, items, ...rest } = schema;
  const kept = required?.filter((name) => properties?.[name]?.default === undefined) ?? [];
  return {
    ...rest,
    ...(kept.length === 0 ? {} : { required: kept }),
    ...(properties === undefined ? {} : { properties: mapValues(properties, relaxRequired) }),
    ...(patternProperties === undefined ? {} : { patternProperties: mapValues(patternProperties, relaxRequired) }),
    ...(items === undefined ? {} : { items: relaxRequired(items) }),
  };
}

const mapValues = <Value>(record: Readonly<Record<string, Value>>, change: (value: Value) => Value) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
