// SPDX-License-Identifier: Apache-2.0
import Type from "typebox";
import { MODEL_VERSION_PATTERN } from "../document/forms.ts";
import { closed } from "../job/schema-parts.ts";

/** Form of a version of a model. */
export const VERSION = MODEL_VERSION_PATTERN;
const optionalWhole = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000, description }));

const policy = (kind: string, keys: object = {}): object => ({
  required: ["kind", ...Object.keys(keys)],
  properties: { kind: { const: kind }, ...keys },
  additionalProperties: false,
});
const POLICIES: readonly object[] = [
  policy("all"),
  policy("latest", { count: { type: "integer", minimum: 1 } }),
  policy("specific", { versions: { type: "array", items: { type: "string", pattern: VERSION } } }),
];

/** Settings of one model, as `modelSettings` of `bulwark serve` has them. */
export const ModelSettings = Type.Object(
  {
    versions: Type.Optional(
      Type.Unsafe<object>({
        type: "object",
        anyOf: POLICIES,
        description:
          'Which are loaded: { kind: all }, { kind: latest, count: 2 } or { kind: specific, versions: ["1"] }',
      }),
    ),
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Names for versions: { stable: "1" }' }),
    ),
    instances: optionalWhole("Worker threads, each with a copy of the model; 1"),
    threads: optionalWhole("Threads within one run; 1"),
    batch: Type.Optional(
      Type.Object(
        {
          maxRows: optionalWhole("Rows of one run at most; 32"),
          windowMs: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 60_000, description: "How long a run waits for more, in ms; 0" }),
          ),
        },
        { ...closed, description: "Requests that share a run" },
      ),
    ),
    stream: Type.Optional(
      Type.Object(
        {
          tokens: Type.String({ description: "Input of token ids" }),
          next: Type.String({ description: "Output of scores, or of the next token" }),
          state: Type.Optional(
            Type.Record(Type.String(), Type.String(), { description: "Outputs that are inputs of the next step" }),
          ),
          mask: Type.Optional(Type.String({ description: "Input that is 1 for each token so far" })),
          positions: Type.Optional(Type.String({ description: "Input with the place of each token given" })),
          end: Type.Optional(Type.Array(Type.Integer({ minimum: 0 }), { description: "Tokens that end a sequence" })),
          maxTokens: optionalWhole("Tokens of one answer, at most; 256"),
        },
        { ...closed, description: "How a model that makes one token after the other is looped" },
      ),
    ),
    maxWaiting: optionalWhole("Requests that may wait; 2048"),
    runLimitMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 3_600_000, description: "A run that takes longer is given up; 60000" }),
    ),
    nonFinite: Type.Optional(
      Type.Enum(["refuse", "allow"], { description: "What happens to NaN and infinities among the inputs; refuse" }),
    ),
  },
  closed,
);
