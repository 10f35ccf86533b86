// SPDX-License-Identifier: Apache-2.0
import Type from "typebox";
import { POST_PROCESSING_PATTERN } from "../document/forms.ts";
import { closed, flag } from "../job/schema-parts.ts";
import { VERSION } from "./model-settings.ts";

// What the chart's values and the gateway's settings have in common. Read by the generator alone.

const MODEL = "^(\\*|[A-Za-z0-9_][A-Za-z0-9._-]{0,127})$";

export const whole = (value: number, minimum: number, description: string, maximum = 1_000_000_000) =>
  Type.Integer({ minimum, maximum, default: value, description });
export const part = <Keys extends Parameters<typeof Type.Object>[0]>(keys: Keys, description: string) =>
  Type.Object(keys, { ...closed, default: {}, description });
export const byModel = <Value extends Parameters<typeof Type.Record>[1]>(
  value: Value,
  description: string,
  usual: object = {},
) => Type.Record(Type.String({ pattern: MODEL }), value, { ...closed, default: usual, description });
export const choice = <const Values extends readonly string[]>(values: Values, description: string) =>
  Type.Enum<[...Values]>([...values], { default: values[0], description });

export const Delivery = Type.Enum(["direct", "durable"]);

export const Shares = Type.Record(Type.String({ pattern: VERSION }), Type.Integer({ minimum: 0, maximum: 1_000_000 }), {
  ...closed,
  description: "Shares by version, of which only the ratio counts",
});

export const clientLimits = part(
  {
    requestsPerSecond: whole(0, 0, "Requests a caller may send each second; 0: no limit"),
    burst: whole(0, 0, "Requests a caller may send at once after a silence"),
    concurrent: whole(0, 0, "Requests a caller may have under way; 0: no limit"),
  },
  "What one caller may use of one gateway",
);

/** How the older surface answers, whichever model it means. */
export const olderSurface = {
  dialect: choice(["b", "a", "c"] as const, "How /predict answers"),
  postProcessing: Type.String({
    pattern: POST_PROCESSING_PATTERN,
    default: "",
    description: "topN(n) or pickTopN(n)",
  }),
  asWritten: flag(false, "Lists without the commas that the older server left out"),
  resize: Type.Optional(
    Type.Object(
      {
        width: Type.Integer({ minimum: 1, maximum: 16384, description: "Pixels" }),
        height: Type.Integer({ minimum: 1, maximum: 16384, description: "Pixels" }),
      },
      { ...closed, description: "Size to which images are brought; as they are when not given" },
    ),
  ),
};
