// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { LAYOUTS, type Tensor, type TensorInfo, toTensor } from "@bulwark/tensors";
import type { ModelSignature } from "../engine.ts";
import type { StreamSettings } from "../settings.ts";

/** The settings of a stream with what the model says of the inputs they name. */
export type StreamPlan = {
  readonly tokens: TensorInfo;
  readonly next: string;
  /** An output, and the input that it becomes. */
  readonly state: readonly { readonly output: string; readonly input: TensorInfo }[];
  readonly mask: TensorInfo | undefined;
  readonly positions: TensorInfo | undefined;
  readonly end: readonly number[];
  readonly maxTokens: number;
};

const MOST_TOKENS = 256;
const TOKEN_TYPES = ["INT64", "INT32"];

/** Puts settings and model together. Throws SERVING_UNSUPPORTED where the model has not what they name. */
export function makePlan(settings: StreamSettings, { inputs, outputs }: ModelSignature): StreamPlan {
  const find = (infos: readonly TensorInfo[], what: string, name: string): TensorInfo =>
    infos.find((info) => info.name === name) ?? refuse(`it has no ${what} "${name.slice(0, 80)}"`);
  const whole = (name: string): TensorInfo => {
    const info = find(inputs, "input", name);
    return TOKEN_TYPES.includes(info.datatype)
      ? info
      : refuse(`input "${name}" is ${info.datatype}, not INT64 or INT32`);
  };
  const { tokens, next, state = {}, mask, positions, end = [], maxTokens = MOST_TOKENS } = settings;
  if (find(outputs, "output", next).datatype === "BYTES") refuse(`output "${next}" is text`);
  return {
    tokens: whole(tokens),
    next,
    state: Object.entries(state).map(([output, input]) => ({
      output: find(outputs, "output", output).name,
      input: find(inputs, "input", input),
    })),
    mask: mask === undefined ? undefined : whole(mask),
    positions: positions === undefined ? undefined : whole(positions),
    end,
    maxTokens,
  };
}

function refuse(why: string): never {
  const message = `The model does not stream as its settings say: ${why}`;
  throw new BulwarkError("SERVING_UNSUPPORTED", message, "mend modelSettings.NAME.stream");
}

/** One sequence for an input of shape [length] or [1, length]. */
export function toSequence({ name, datatype, shape }: TensorInfo, values: readonly number[]): Tensor {
  const data = datatype === "INT64" ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
  const sizes = [...Array<number>(Math.max(0, shape.length - 1)).fill(1), values.length];
  return toTensor(name, datatype, sizes, data);
}

/** The state before anything was said: zeros, for one sequence. */
export function makeFirstState({ name, datatype, shape }: TensorInfo): Tensor {
  const sizes = shape.map((size, at) => (size === -1 ? Number(at === 0) : size));
  const count = sizes.reduce((product, size) => product * size, 1);
  const texts = Array.from({ length: count }, () => new Uint8Array(0));
  return toTensor(name, datatype, sizes, datatype === "BYTES" ? texts : LAYOUTS[datatype].make(count));
}
