// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from "../tensor.ts";
import { encodeResult, toSingles } from "./result.ts";

/**
 * The three ways in which releases of the older server write one prediction: `a` a map as Java prints it, `b` a map as
 * JSON (what the older client's helpers read), `c` a quoted value.
 */
export const DIALECTS = ["a", "b", "c"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** What the older surface answers for a request that failed. */
export const FAILED = "NaN";

/** Outputs of a model, or a text: of post-processing, or `NaN`. */
export type Prediction = readonly Tensor[] | string;

/** The body of an answer: one element of `predictions` for each instance. Throws TENSOR_DATATYPE for strings. */
export function writePredictions(dialect: Dialect, predictions: readonly Prediction[]): string {
  return JSON.stringify({ predictions: predictions.map(WRITERS[dialect]) }, undefined, 2);
}

const WRITERS: Readonly<Record<Dialect, (prediction: Prediction) => string>> = {
  a: (prediction) => `{value=${toText(prediction)}}`,
  b: (prediction) => JSON.stringify({ value: toText(prediction) }),
  c: (prediction) =>
    JSON.stringify(typeof prediction === "string" ? prediction : encodeResult(prediction).toString("base64")),
};

/** Several outputs stand side by side with nothing between them, as the older server wrote them. */
function toText(prediction: Prediction): string {
  if (typeof prediction === "string") return prediction;
  return prediction.map((output) => `{"data":${writeFloats(output)},"shape":[${output.shape.join(",")}]}`).join("");
}

/** As Python's and Java's JSON writers have it: NaN is written bare, since the older client's parser takes it so. */
function writeFloats(output: Tensor): string {
  return `[${toSingles(output).join(",")}]`;
}
