// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { quote, refusal } from "../refuse.ts";
import type { Tensor } from "../tensor.ts";
import { toSingles } from "./result.ts";

/** What the older configuration's `postProcessing` asks for. */
export type PostProcessing = { readonly kind: "topN" | "pickTopN"; readonly count: number };

const FORM = /^\s*(topN|pickTopN)\(\s*(\d{1,9})\s*\)\s*$/;

/** Reads `topN(n)` or `pickTopN(n)`; nothing when empty. Throws SERVING_CONFIG. */
export function parsePostProcessing(text: string): PostProcessing | undefined {
  if (text.trim() === "") return undefined;
  const [, kind, count] = FORM.exec(text) ?? [];
  if (count !== undefined && Number(count) > 0) return { kind: kind as PostProcessing["kind"], count: Number(count) };
  throw new BulwarkError(
    "SERVING_CONFIG",
    `postProcessing ${quote(text)} is not known`,
    "write topN(5) or pickTopN(5)",
  );
}

/**
 * The text that the older server answers with instead of a tensor, from the first output. `topN`: the largest elements
 * as `[[index,value],...]`, the first of equals first. `pickTopN`: the first rows of a matrix.
 *
 * @param options asWritten: without the commas between pairs and rows, as the older server left them out
 * Throws TENSOR_SHAPE for outputs that have no rows.
 */
export function postProcess(
  { kind, count }: PostProcessing,
  outputs: readonly Tensor[],
  { asWritten = false }: { asWritten?: boolean } = {},
): string {
  const [output] = outputs;
  if (output === undefined) throw refusal("TENSOR_SHAPE", "The model has no output");
  const rows = kind === "topN" ? findLargest(toSingles(output), count) : takeRows(output, count);
  return `[${rows.map((row) => `[${row.join(",")}]`).join(asWritten ? "" : ",")}]`;
}

function findLargest(values: Float32Array, count: number): string[][] {
  return Array.from(values, (value, index) => ({ value, index }))
    .sort((a, b) => rank(b.value) - rank(a.value) || a.index - b.index)
    .slice(0, count)
    .map(({ value, index }) => [String(index), formatFloat(value)]);
}

/** NaN counts as the least, so that it cannot upset the order. */
const rank = (value: number): number => (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value);

function takeRows(output: Tensor, count: number): string[][] {
  const shape = output.shape.length === 3 && output.shape[0] === 1 ? output.shape.slice(1) : output.shape;
  const [rows, width] = shape;
  if (shape.length !== 2 || rows === undefined || width === undefined) {
    throw refusal("TENSOR_SHAPE", `Output ${quote(output.name)} has no rows to pick`, "use topN(n) for it");
  }
  const values = toSingles(output);
  return Array.from({ length: Math.min(count, rows) }, (_, row) =>
    Array.from(values.subarray(row * width, (row + 1) * width), formatFloat),
  );
}

/** A float as `java.lang.Float.toString` has it: the fewest digits that give it back, `1.0E-4` outside 1e-3 to 1e7. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const digits = [1, 2, 3, 4, 5, 6, 7, 8].find((count) => Math.fround(Number(value.toPrecision(count))) === value) ?? 9;
  const size = Math.abs(value);
  const shortest = Number(value.toPrecision(digits));
  if (size >= 1e-3 && size < 1e7) return withPoint(shortest.toString());
  const [mantissa = "", exponent = ""] = shortest.toExponential().split("e");
  return `${withPoint(mantissa)}E${Number(exponent)}`;
}

const withPoint = (text: string): string => (text.includes(".") ? text : `${text}.0`);
