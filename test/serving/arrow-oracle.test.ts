// SPDX-License-Identifier: Apache-2.0
// Arrow's own implementation reads the tensors that we write, and we read what it writes.
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { LAYOUTS, type NumericDatatype } from "../../packages/tensors/src/datatypes.ts";
import {
  DEFAULT_LIMITS,
  readTensorStream,
  type Tensor,
  toTensor,
  writeTensorStream,
} from "../../packages/tensors/src/index.ts";
import { findPython } from "./python-client.ts";

const DATATYPES = Object.keys(LAYOUTS) as NumericDatatype[];

/** Every datatype with values that no other datatype would keep. */
function makeTensors(shape: readonly number[]): Tensor[] {
  const count = shape.reduce((product, size) => product * size, 1);
  const numbers = DATATYPES.map((datatype) => {
    const data = LAYOUTS[datatype].make(count) as unknown as (number | bigint)[];
    const is64 = datatype.endsWith("INT64");
    for (let at = 0; at < count; at++) {
      if (datatype === "BOOL") data[at] = at % 2;
      else data[at] = is64 ? 2n ** 62n + BigInt(at) : datatype.startsWith("FP") ? at / 4 + 0.1 : 100 + at;
    }
    return toTensor(datatype, datatype, shape, data as unknown as Tensor["data"]);
  });
  const bytes = (make: (at: number) => Buffer) => Array.from({ length: count }, (_, at) => new Uint8Array(make(at)));
  return [
    ...numbers,
    toTensor(
      "text",
      "BYTES",
      shape,
      bytes((at) => Buffer.from(`é${at}`)),
    ),
    toTensor(
      "bytes",
      "BYTES",
      shape,
      bytes((at) => Buffer.from([255, at])),
    ),
  ];
}

/** Bytes as lists, so that it does not matter who made them. */
const asArrays = (all: readonly Tensor[]) =>
  all.map((one) => ({
    ...one,
    data: Array.from(one.data as Iterable<unknown>, (each) => (each instanceof Uint8Array ? [...each] : each)),
  }));

const SETS: readonly Tensor[][] = [
  makeTensors([3]),
  makeTensors([2, 3]),
  makeTensors([2, 2, 3]),
  makeTensors([]),
  // First dimensions that differ: each in one row.
  [toTensor("a", "FP32", [2, 2], new Float32Array([1, 2, 3, 4])), toTensor("b", "INT8", [3], new Int8Array([1, 2, 3]))],
];

describe("pyarrow", () => {
  it("reads tensors of every datatype as they are written, and is read", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with pyarrow: ${error.message}`));
    if (python === undefined) return;
    for (const tensors of SETS) {
      const input = writeTensorStream({ tensors, metadata: new Map([["bulwark:request", "{}"]]) });
      const script = join(import.meta.dirname, "arrow_oracle.py");
      const ended: SpawnSyncReturns<Buffer> = spawnSync(python, [script], { input, timeout: 60_000 });
      assert.equal(ended.status, 0, String(ended.stderr));
      const read = readTensorStream(ended.stdout, DEFAULT_LIMITS);
      assert.equal(read.metadata.get("bulwark:request"), "{}");
      assert.deepEqual(asArrays(read.tensors), asArrays(tensors));
    }
  });
});
