// SPDX-License-Identifier: Apache-2.0
import { LAYOUTS, type Tensor, type TensorInfo, toTensor } from "@bulwark/tensors";
import type { ModelSignature } from "../engine.ts";
import { joinRows, splitRows } from "../rows.ts";
import type { Session } from "./session.ts";

/** Rounding differs between batches of different sizes; what depends on another row differs by far more. */
const TOLERANCE = 1e-3;

/** Whether every input and output has a first dimension that may be any: only then requests can share a run. */
export function hasFreeRows({ inputs, outputs }: ModelSignature): boolean {
  return inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
}

/**
 * Whether a model computes each row from that row alone. A free first dimension does not say so: it may be a sequence, or
 * be summed over. So two different rows are run one by one and together, and must give the same.
 */
export async function isRowwise(session: Session): Promise<boolean> {
  if (!hasFreeRows(session.signature)) return false;
  const rows = [1, 2].map((seed) => session.signature.inputs.map((info) => makeInput(info, seed)));
  const alone: Tensor[][] = [];
  for (const inputs of rows) alone.push(await session.run(inputs));
  const together = splitRows(await session.run(joinRows(rows)), [1, 1]);
  return together?.every((outputs, row) => areClose(outputs, alone[row] ?? [])) ?? false;
}

/** An input that fits: 1 for every free dimension, values between 0 and 1 that differ by seed. */
export function makeInput({ name, datatype, shape }: TensorInfo, seed: number): Tensor {
  const sizes = shape.map((size) => (size === -1 ? 1 : size));
  const count = sizes.reduce((product, size) => product * size, 1);
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  if (datatype === "BYTES") {
    return toTensor(
      name,
      datatype,
      sizes,
      Array.from({ length: count }, () => Buffer.from(String(Math.round(next())))),
    );
  }
  const data = LAYOUTS[datatype].make(count);
  const isWhole = !datatype.startsWith("FP");
  for (let at = 0; at < count; at++) {
    const value = isWhole ? Math.round(next()) : next();
    (data as unknown as (number | bigint)[])[at] = datatype.endsWith("INT64") ? BigInt(value) : value;
  }
  return toTensor(name, datatype, sizes, data);
}

function areClose(some: readonly Tensor[], others: readonly Tensor[]): boolean {
  return some.every((tensor, at) => {
    const other = others[at];
    if (other === undefined || tensor.shape.join() !== other.shape.join()) return false;
    if (tensor.datatype === "BYTES") return tensor.data.every((bytes, place) => isSame(bytes, other.data[place]));
    return Array.from(tensor.data as ArrayLike<number | bigint>, Number).every((value, place) =>
      isClose(value, Number(other.data[place])),
    );
  });
}

const isSame = (bytes: Uint8Array, other: unknown): boolean =>
  other instanceof Uint8Array && Buffer.compare(bytes, other) === 0;

const isClose = (a: number, b: number): boolean =>
  Object.is(a, b) || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a));
