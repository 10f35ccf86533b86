// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from "node:buffer";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { isFloating, type Tensor, type TensorInfo } from "@bulwark/tensors";
import type { ModelSignature } from "./engine.ts";

/** Inputs in the model's order, and what decides with whom they can share a run. */
export type Checked = {
  readonly inputs: readonly Tensor[];
  /** Rows along the first dimension; 1 for models that take no batches. */
  readonly rows: number;
  /** Requests of the same key have the same shapes but for their rows. */
  readonly key: string;
};

type Options = { readonly isBatched: boolean; readonly nonFinite: "refuse" | "allow" };

/**
 * Checks inputs against what a model takes. Throws TENSOR_MISSING, TENSOR_UNKNOWN, TENSOR_DATATYPE, TENSOR_SHAPE,
 * TENSOR_VALUE.
 */
export function checkInputs(inputs: readonly Tensor[], signature: ModelSignature, options: Options): Checked {
  const ordered = signature.inputs.map((info) => checkInput(findInput(inputs, info), info, options));
  if (inputs.length > ordered.length) throw unknownInput(inputs, signature.inputs);
  if (!options.isBatched) return { inputs: ordered, rows: 1, key: "" };
  const rows = ordered[0]?.shape[0] ?? 1;
  let key = "";
  for (const [at, { name, shape }] of ordered.entries()) {
    if (shape[0] !== rows) throw refuse("TENSOR_SHAPE", `Input "${name}" has ${shape[0]} rows, others have ${rows}`);
    // Sizes that the model fixes are the same for everybody.
    if (signature.inputs[at]?.shape.includes(-1, 1)) key += `${shape.slice(1).join(",")};`;
  }
  return { inputs: ordered, rows, key };
}

const MENDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  TENSOR_VALUE: "send other values, or set nonFinite: allow for the model",
};

const refuse = (code: ErrorCode, message: string): BulwarkError =>
  new BulwarkError(code, message, MENDS[code] ?? "send what the model's metadata asks for: GET v2/models/NAME");

function findInput(inputs: readonly Tensor[], { name }: TensorInfo): Tensor {
  for (const input of inputs) if (input.name === name) return input;
  throw refuse("TENSOR_MISSING", `The input "${name}" is missing`);
}

function unknownInput(inputs: readonly Tensor[], infos: readonly TensorInfo[]): BulwarkError {
  const unknown = inputs.find(({ name }) => !infos.some((info) => info.name === name));
  return refuse("TENSOR_UNKNOWN", `The model has no input "${(unknown?.name ?? "twice").slice(0, 80)}"`);
}

function checkInput(input: Tensor, info: TensorInfo, { nonFinite }: Options): Tensor {
  const { name, datatype, shape } = input;
  if (datatype !== info.datatype) {
    throw refuse("TENSOR_DATATYPE", `Input "${name}" is ${datatype}; the model takes ${info.datatype}`);
  }
  if (!fits(shape, info.shape)) {
    throw refuse("TENSOR_SHAPE", `Input "${name}" has shape [${shape}]; the model takes [${info.shape}]`);
  }
  if (nonFinite === "refuse" && hasNonFinite(input)) {
    throw refuse("TENSOR_VALUE", `Input "${name}" holds NaN or an infinity`);
  }
  if (datatype === "BYTES" && !input.data.every((bytes) => isUtf8(bytes))) {
    throw refuse("TENSOR_VALUE", `Input "${name}" holds bytes that are no UTF-8, which the engine takes alone`);
  }
  return input;
}

function fits(shape: readonly number[], wanted: readonly number[]): boolean {
  if (shape.length !== wanted.length) return false;
  for (let at = 0; at < shape.length; at++) if (wanted[at] !== -1 && wanted[at] !== shape[at]) return false;
  return true;
}

/** The sum of differences is 0 only where every element is finite: one pass without a branch. */
export function hasNonFinite({ datatype, data }: Tensor): boolean {
  if (!isFloating(datatype)) return false;
  const values = data as Float64Array;
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at] ?? 0) * 0;
  return sum !== 0;
}

/** Refuses names of outputs that the model does not have. Throws TENSOR_UNKNOWN. */
export function checkOutputs(names: readonly string[] | undefined, { outputs }: ModelSignature): void {
  const unknown = names?.find((name) => !outputs.some((output) => output.name === name));
  if (unknown === undefined) return;
  throw refuse("TENSOR_UNKNOWN", `The model has no output "${unknown.slice(0, 80)}"`);
}
