// SPDX-License-Identifier: Apache-2.0
import { type NumericData, toTensor } from "../datatypes.ts";
import { quote, refusal } from "../refuse.ts";
import type { Tensor } from "../tensor.ts";

/**
 * An input of the older client. What a text is, an image in base64 or strings joined with pipes, only the model knows:
 * `fitInputs` decides.
 */
export type OlderInput =
  | { readonly kind: "tensor"; readonly tensor: Tensor }
  | { readonly kind: "text"; readonly name: string; readonly text: string };

type Sparse = {
  name: string;
  shape: readonly number[];
  count: number;
  indices: readonly number[];
  /** Two dimensions: dimensions by values, or values by dimensions; dimensions first where they are as many. */
  indicesShape: readonly number[];
  values: NumericData;
};

/** The dense tensor of a sparse one. Throws TENSOR_SHAPE. */
export function toDense({ name, shape, count, indices, indicesShape, values }: Sparse): OlderInput {
  const [rank, total] = [shape.length, values.length];
  const isByDimension = indicesShape[0] === rank && indicesShape[1] === total;
  const isByValue = indicesShape[0] === total && indicesShape[1] === rank;
  if (indices.length !== rank * total || !(isByDimension || isByValue)) {
    const message = `The indices of sparse tensor ${quote(name)} do not fit its ${total} values of ${rank} dimensions`;
    throw refusal("TENSOR_SHAPE", message, "send indices of shape [dimensions, values]");
  }
  const data = new Float32Array(count);
  for (let at = 0; at < total; at++) {
    const index = shape.map((_, dimension) => indices[isByDimension ? dimension * total + at : at * rank + dimension]);
    data[toPlace(index, shape, name)] = Number(values[at]);
  }
  return { kind: "tensor", tensor: toTensor(name, "FP32", shape, data) };
}

function toPlace(index: readonly (number | undefined)[], shape: readonly number[], name: string): number {
  return shape.reduce((place, size, dimension) => {
    const step = index[dimension] ?? -1;
    if (step >= 0 && step < size) return place * size + step;
    throw refusal("TENSOR_SHAPE", `An index of sparse tensor ${quote(name)} is outside its shape`);
  }, 0);
}
