// SPDX-License-Identifier: Apache-2.0
import { LAYOUTS, type Tensor, toTensor } from "@bulwark/tensors";

/** Inputs of several requests as those of one, in memory of their own: rows under each other, in the requests' order. */
export function joinRows(requests: readonly (readonly Tensor[])[]): Tensor[] {
  const [first = []] = requests;
  return first.map((tensor, at) => {
    const parts = requests.map((inputs) => inputs[at] as Tensor);
    const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
    return toTensor(tensor.name, tensor.datatype, [rows, ...tensor.shape.slice(1)], joinData(tensor, parts));
  });
}

/** The same tensors in memory of their own, so that they can be given away. */
export function copyTensors(tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => toTensor(tensor.name, tensor.datatype, tensor.shape, joinData(tensor, [tensor])));
}

function joinData({ datatype }: Tensor, parts: readonly Tensor[]): Tensor["data"] {
  if (datatype === "BYTES") {
    // A slice of a Buffer would take its whole pool along to another thread.
    return parts.flatMap(({ data }) => (data as readonly Uint8Array[]).map((bytes) => new Uint8Array(bytes)));
  }
  const joined = LAYOUTS[datatype].make(parts.reduce((sum, { data }) => sum + data.length, 0)) as Float32Array;
  let at = 0;
  for (const { data } of parts) {
    joined.set(data as Float32Array, at);
    at += data.length;
  }
  return joined;
}

/**
 * The outputs of one run, given back to its requests by their rows. Undefined when an output does not have a row for each
 * row that went in, so that nobody can get another's.
 */
export function splitRows(outputs: readonly Tensor[], rows: readonly number[]): Tensor[][] | undefined {
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (outputs.some(({ shape }) => shape[0] !== total)) return undefined;
  let from = 0;
  return rows.map((count) => {
    const own = outputs.map((output) => takeRows(output, from, count, total));
    from += count;
    return own;
  });
}

function takeRows({ name, datatype, shape, data }: Tensor, from: number, count: number, total: number): Tensor {
  const width = total === 0 ? 0 : data.length / total;
  // Numbers stay where they are: the answer is written before the next run could touch them.
  const own =
    datatype === "BYTES"
      ? data.slice(from * width, (from + count) * width)
      : (data as Float32Array).subarray(from * width, (from + count) * width);
  return toTensor(name, datatype, [count, ...shape.slice(1)], own);
}
