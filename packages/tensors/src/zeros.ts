// SPDX-License-Identifier: Apache-2.0
import { LAYOUTS, toTensor } from "./datatypes.ts";
import type { Tensor, TensorInfo } from "./tensor.ts";

/** Zeros for an input; a dimension that may be any is 1, unless its whole shape is given. */
export function makeZeros({ name, datatype, shape }: TensorInfo, given: readonly number[] = shape): Tensor {
  const sizes = given.map((size) => Math.max(1, size));
  const count = sizes.reduce((product, size) => product * size, 1);
  if (datatype !== "BYTES") return toTensor(name, datatype, sizes, LAYOUTS[datatype].make(count));
  const empty = Array.from({ length: count }, () => new Uint8Array(0));
  return toTensor(name, datatype, sizes, empty);
}
