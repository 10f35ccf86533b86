// SPDX-License-Identifier: Apache-2.0
import type { Limits } from "./limits.ts";
import { quote, refusal } from "./refuse.ts";

/** Reads a shape: whole dimensions of 0 and more. Throws TENSOR_SHAPE, TENSOR_TOO_LARGE. */
export function parseShape(value: unknown, tensor: string, limits: Limits): number[] {
  if (!Array.isArray(value)) throw refusal("TENSOR_SHAPE", `Tensor ${quote(tensor)} has no shape`);
  if (value.length > limits.dimensions) {
    const message = `Tensor ${quote(tensor)} has ${value.length} dimensions; ${limits.dimensions} are allowed`;
    throw refusal("TENSOR_TOO_LARGE", message);
  }
  const at = value.findIndex((size) => !Number.isSafeInteger(size) || size < 0);
  if (at !== -1) {
    const message = `Dimension ${at} of tensor ${quote(tensor)} is not a whole number of 0 or more`;
    throw refusal("TENSOR_SHAPE", message, "send the real size; -1 stands only in a model's description");
  }
  return value as number[];
}

/** The number of elements of a shape. Throws TENSOR_TOO_LARGE, also where the product would overflow. */
export function countElements(shape: readonly number[], tensor: string, limits: Limits): number {
  let count = 1;
  for (const size of shape) count *= size;
  // A dimension beyond the limit is refused beside a 0 too, so that no product of dimensions can overflow later.
  if (count <= limits.elements && shape.every((size) => size <= limits.elements)) return count;
  throw refusal(
    "TENSOR_TOO_LARGE",
    `Tensor ${quote(tensor)} would have more than the ${limits.elements} elements allowed`,
  );
}

/** Refuses data that does not fill its shape. Throws TENSOR_SHAPE. */
export function demandLength(found: number, wanted: number, tensor: string): void {
  if (found === wanted) return;
  throw refusal("TENSOR_SHAPE", `Tensor ${quote(tensor)} has ${found} elements; its shape has ${wanted}`);
}
