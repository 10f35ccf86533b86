// SPDX-License-Identifier: Apache-2.0
import Type from "typebox";
import {
  DURATION_PATTERN,
  FILLED_PATTERN,
  NAME_PATTERN,
  OPTIONAL_OBJECT_PATTERN,
  RANGE_PATTERN,
  SIZE_PATTERN,
  VARIABLE_PATTERN,
} from "../document/forms.ts";

/** What the keys of the schema are made of. Read by the generator and the compiler alone, as `schema.ts` is. */
export const closed = { additionalProperties: false } as const;

export const size = (value: string, description: string) =>
  Type.String({ pattern: SIZE_PATTERN, default: value, description });
export const optionalSize = (description: string) => Type.Optional(Type.String({ pattern: SIZE_PATTERN, description }));
export const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });
export const filled = (description: string) => Type.String({ pattern: FILLED_PATTERN, description });
export const formed = (pattern: string, description: string) => Type.String({ pattern, description });
export const flag = (value: boolean, description: string) => Type.Boolean({ default: value, description });
export const list = (pattern: string, description: string) =>
  Type.Array(Type.String({ pattern }), { default: [], description });
/** Range of addresses (CIDR). */
export const range = (value: string, description: string) =>
  Type.String({ pattern: RANGE_PATTERN, default: value, description });
/** What else pods may reach, by name: ranges of addresses with TCP ports. */
export const destinations = (whom: string, description: string) =>
  Type.Record(
    Type.String({ pattern: NAME_PATTERN }),
    Type.Object(
      {
        cidr: formed(RANGE_PATTERN, `Range of addresses that ${whom} may reach`),
        ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
          default: [],
          description: "TCP ports there; all when none is given",
        }),
      },
      closed,
    ),
    { ...closed, default: {}, description },
  );
export const paths = (description: string) => list(FILLED_PATTERN, description);
/** Name of an existing object of the cluster; "" for none. */
export const objectOr = (value: string, description: string) =>
  Type.String({ pattern: OPTIONAL_OBJECT_PATTERN, default: value, description });
/** Text which may be written without quotes (`8`, `true`); reading the file makes it text. */
export const text = () => Type.Unsafe<string>({ type: ["string", "number", "boolean"] });
/** Names to texts, as labels are. */
export const labels = (description: string) => Type.Record(Type.String(), text(), { default: {}, description });
export const environment = (role: string) =>
  Type.Record(Type.String({ pattern: VARIABLE_PATTERN }), text(), {
    ...closed,
    default: {},
    description: `Environment of the ${role}. Never for secrets`,
  });
/** Part of a Kubernetes object, whose form the API server knows. */
export const partOf = (what: string, description: string) =>
  Type.Unsafe<Readonly<Record<string, unknown>>>({
    type: "object",
    default: {},
    description: `${description} (Kubernetes: ${what})`,
  });
export const partsOf = (what: string, description: string) =>
  Type.Unsafe<readonly Readonly<Record<string, unknown>>[]>({
    type: "array",
    items: { type: "object" },
    default: [],
    description: `${description} (Kubernetes: ${what})`,
  });
