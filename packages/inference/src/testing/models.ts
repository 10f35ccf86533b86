// SPDX-License-Identifier: Apache-2.0
import { type Constant, ELEMENT_TYPES, type ElementType, type Node, type Value, writeOnnx } from "./onnx.ts";

const value = (name: string, type: ElementType, ...shape: (number | string)[]): Value => ({ name, type, shape });
const op = (name: string, inputs: string[], outputs: string[]): Node => ({ op: name, inputs, outputs });

/** Numbers between -0.05 and 0.05, always the same ones. */
export function makeWeights(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648 - 0.5) / 10;
  });
}

/** Layers of a perceptron with ReLU between them and softmax at the end; rows are free. */
export function writeMlp(sizes: readonly number[]): Buffer {
  const constants: Constant[] = [];
  const nodes: Node[] = [];
  let last = "x";
  for (let layer = 1; layer < sizes.length; layer++) {
    const [from = 0, to = 0] = [sizes[layer - 1], sizes[layer]];
    constants.push({ name: `w${layer}`, shape: [from, to], data: makeWeights(from * to, layer) });
    constants.push({ name: `b${layer}`, shape: [to], data: makeWeights(to, 100 + layer) });
    nodes.push(op("Gemm", [last, `w${layer}`, `b${layer}`], [`h${layer}`]));
    const isLast = layer === sizes.length - 1;
    last = isLast ? "y" : `r${layer}`;
    nodes.push(op(isLast ? "Softmax" : "Relu", [`h${layer}`], [last]));
  }
  return writeOnnx({
    inputs: [value("x", "FP32", "rows", sizes[0] ?? 0)],
    outputs: [value("y", "FP32", "rows", sizes.at(-1) ?? 0)],
    nodes,
    constants,
  });
}

/** Gives back what it gets, for any datatype, twice: two outputs. */
export function writeIdentity(type: ElementType, ...shape: (number | string)[]): Buffer {
  return writeOnnx({
    inputs: [value("x", type, ...shape)],
    outputs: [value("y", type, ...shape), value("z", type, ...shape)],
    nodes: [op("Identity", ["x"], ["y"]), op("Identity", ["x"], ["z"])],
  });
}

/** Reads texts as numbers; it throws for any that is none. */
export function writeNumbers(): Buffer {
  return writeOnnx({
    inputs: [value("x", "BYTES", "rows")],
    outputs: [value("y", "FP32", "rows")],
    nodes: [{ ...op("Cast", ["x"], ["y"]), attributes: [{ name: "to", int: ELEMENT_TYPES.FP32 }] }],
  });
}

/** Adds the same numbers to each row. */
export function writeOffset(offset: Float32Array): Buffer {
  return writeOnnx({
    inputs: [value("x", "FP32", "rows", offset.length)],
    outputs: [value("y", "FP32", "rows", offset.length)],
    nodes: [op("Add", ["x", "offset"], ["y"])],
    constants: [{ name: "offset", shape: [offset.length], data: offset }],
  });
}

/** Takes from each row what all rows have in common: a row's answer depends on the others, though rows are free. */
export function writeCentered(): Buffer {
  return writeOnnx({
    inputs: [value("x", "FP32", "rows", 2)],
    outputs: [value("y", "FP32", "rows", 2)],
    nodes: [
      { ...op("ReduceMean", ["x"], ["m"]), attributes: [{ name: "axes", ints: [0] }] },
      op("Sub", ["x", "m"], ["y"]),
    ],
  });
}

/** Looks numbers up in a table of ten; it throws for any other index. */
export function writeLookup(): Buffer {
  return writeOnnx({
    inputs: [value("x", "INT64", "rows")],
    outputs: [value("y", "FP32", "rows")],
    nodes: [op("Gather", ["table", "x"], ["y"])],
    constants: [{ name: "table", shape: [10], data: Float32Array.from({ length: 10 }, (_, at) => at * at) }],
  });
}

/**
 * Computes the sine of `x` again and again, as many times as `trips` says: as slow as one likes. With `always` it is an
 * input no more, and every run is that slow. With a name for its rows there may be any number of them.
 */
export function writeSlow(always?: number, rows: number | string = 1): Buffer {
  const body = {
    inputs: [value("i", "INT64"), value("go", "BOOL"), value("v", "FP32", rows)],
    outputs: [value("goes", "BOOL"), value("w", "FP32", rows)],
    nodes: [op("Identity", ["go"], ["goes"]), op("Sin", ["v"], ["w"])],
  };
  return writeOnnx({
    inputs: [value("x", "FP32", rows), ...(always === undefined ? [value("trips", "INT64")] : [])],
    outputs: [value("y", "FP32", rows)],
    nodes: [{ ...op("Loop", ["trips", "", "x"], ["y"]), attributes: [{ name: "body", graph: body }] }],
    constants: always === undefined ? [] : [{ name: "trips", shape: [], data: BigInt64Array.of(BigInt(always)) }],
  });
}

/** Gives its numbers back after as many trips as the largest of them says: rows are free, and one can hold all others up. */
export function writeHang(): Buffer {
  const body = {
    inputs: [value("i", "INT64"), value("go", "BOOL"), value("v", "INT64", "rows")],
    outputs: [value("goes", "BOOL"), value("w", "INT64", "rows")],
    nodes: [op("Identity", ["go"], ["goes"]), op("Identity", ["v"], ["w"])],
  };
  return writeOnnx({
    inputs: [value("x", "INT64", "rows")],
    outputs: [value("y", "INT64", "rows")],
    nodes: [
      { ...op("ReduceMax", ["x"], ["trips"]), attributes: [{ name: "keepdims", int: 0 }] },
      { ...op("Loop", ["trips", "", "x"], ["y"]), attributes: [{ name: "body", graph: body }] },
    ],
  });
}

/** Gives as many numbers as it is told: as much memory as one likes. */
export function writeHungry(): Buffer {
  return writeOnnx({
    inputs: [value("x", "INT64", 1)],
    outputs: [value("y", "FP32", "count")],
    nodes: [
      { ...op("Cast", ["x"], ["number"]), attributes: [{ name: "to", int: ELEMENT_TYPES.FP32 }] },
      op("Expand", ["number", "x"], ["y"]),
    ],
  });
}

/** Adds the two numbers of each row. */
export function writeSum(): Buffer {
  return writeOnnx({
    inputs: [value("x", "FP32", "rows", 2)],
    outputs: [value("y", "FP32", "rows", 1)],
    nodes: [op("MatMul", ["x", "ones"], ["y"])],
    constants: [{ name: "ones", shape: [2, 1], data: new Float32Array([1, 1]) }],
  });
}

/** Scores the next token by a table: row `t` holds the scores behind token `t`. Takes whole sequences. */
export function writeTokenTable(table: readonly (readonly number[])[]): Buffer {
  const size = table.length;
  return writeOnnx({
    inputs: [value("input_ids", "INT64", "rows", "length")],
    outputs: [value("logits", "FP32", "rows", "length", size)],
    nodes: [op("Gather", ["table", "input_ids"], ["logits"])],
    constants: [{ name: "table", shape: [size, size], data: Float32Array.from(table.flat()) }],
  });
}

/**
 * Gives the next token with a state, as models with a cache of keys and values do: the sum of all tokens so far, of the
 * mask and of the positions given, modulo 11. `past` grows by the tokens given.
 */
export function writeTokenState(): Buffer {
  const sums = ["present", "mask", "positions"].map((name) => op("ReduceSum", [name, "last"], [`${name}_sum`]));
  return writeOnnx({
    inputs: [
      value("input_ids", "INT64", "rows", "length"),
      value("past", "INT64", "rows", "before"),
      value("mask", "INT64", "rows", "total"),
      value("positions", "INT64", "rows", "length"),
    ],
    outputs: [value("next", "INT64", "rows", 1), value("present", "INT64", "rows", "total")],
    nodes: [
      { ...op("Concat", ["past", "input_ids"], ["present"]), attributes: [{ name: "axis", int: 1 }] },
      ...sums,
      op("Add", ["present_sum", "mask_sum"], ["two"]),
      op("Add", ["two", "positions_sum"], ["three"]),
      op("Mod", ["three", "eleven"], ["next"]),
    ],
    constants: [
      { name: "last", shape: [1], data: new BigInt64Array([1n]) },
      { name: "eleven", shape: [1], data: new BigInt64Array([11n]) },
    ],
  });
}
