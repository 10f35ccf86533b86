// SPDX-License-Identifier: Apache-2.0
import { isFloating, LAYOUTS, toTensor, WHOLE_RANGES } from "../datatypes.ts";
import { decodeImage, type ImageOptions } from "../images.ts";
import type { Limits } from "../limits.ts";
import { quote, refusal } from "../refuse.ts";
import type { Tensor, TensorInfo } from "../tensor.ts";
import type { OlderInput } from "./older-input.ts";

type Fitting = {
  limits: Limits;
  resize?: ImageOptions["resize"];
  /** Opens pictures, where clients encrypt them. One that does not open is refused. */
  decrypt?: (picture: Buffer) => Buffer;
};

/**
 * Inputs of the older client as a model takes them: by position, since the older server did not look at names; numbers
 * in the model's datatype; images and strings from texts; with a leading dimension of 1 where the model has one more.
 * Throws TENSOR_MISSING, TENSOR_UNKNOWN, TENSOR_VALUE, TENSOR_DATATYPE, IMAGE_UNREADABLE.
 */
export async function fitInputs(
  inputs: readonly OlderInput[],
  infos: readonly TensorInfo[],
  options: Fitting,
): Promise<Tensor[]> {
  if (inputs.length !== infos.length) {
    const code = inputs.length < infos.length ? "TENSOR_MISSING" : "TENSOR_UNKNOWN";
    throw refusal(code, `The request has ${inputs.length} inputs; the model takes ${infos.length}`);
  }
  return Promise.all(
    infos.map(async (info, at) => {
      const input = inputs[at] as OlderInput;
      const tensor = input.kind === "tensor" ? toDatatype(input.tensor, info) : await readText(input, info, options);
      const isOneShort = tensor.shape.length + 1 === info.shape.length;
      return { ...tensor, name: info.name, shape: isOneShort ? [1, ...tensor.shape] : tensor.shape };
    }),
  );
}

function toDatatype(tensor: Tensor, { datatype }: TensorInfo): Tensor {
  if (tensor.datatype === datatype) return tensor;
  if (tensor.datatype === "BYTES" || datatype === "BYTES") {
    throw refusal("TENSOR_DATATYPE", `Input ${quote(tensor.name)} is ${tensor.datatype}; the model takes ${datatype}`);
  }
  const values = Array.from(tensor.data as ArrayLike<number | bigint>, (value) =>
    convert(value, tensor.name, datatype),
  );
  const data = LAYOUTS[datatype].make(values.length);
  for (const [at, value] of values.entries()) (data as unknown as (number | bigint)[])[at] = value;
  return toTensor(tensor.name, datatype, tensor.shape, data);
}

function convert(
  value: number | bigint,
  name: string,
  datatype: Exclude<Tensor["datatype"], "BYTES">,
): number | bigint {
  if (isFloating(datatype)) return Number(value);
  const [least, most] = WHOLE_RANGES[datatype] ?? [0n, 1n];
  const whole = typeof value === "bigint" || Number.isInteger(value) ? BigInt(value) : undefined;
  if (whole === undefined || whole < least || whole > most) {
    throw refusal("TENSOR_VALUE", `Input ${quote(name)} holds ${value}, which is no ${datatype}`);
  }
  return datatype.endsWith("INT64") ? whole : Number(whole);
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

async function readText(
  { name, text }: Extract<OlderInput, { kind: "text" }>,
  info: TensorInfo,
  { limits, resize, decrypt }: Fitting,
): Promise<Tensor> {
  if (info.datatype === "BYTES") {
    const data = text.split("|").map((part) => Buffer.from(part, "utf8"));
    return toTensor(name, "BYTES", [data.length], data);
  }
  if (!BASE64.test(text)) {
    throw refusal("IMAGE_UNREADABLE", `Input ${quote(name)} is text, but neither strings for the model nor base64`);
  }
  const isHwc = info.shape.at(-1) === 3 && info.shape.at(-3) !== 3;
  const options: ImageOptions = { layout: isHwc ? "HWC" : "CHW", ...(resize === undefined ? {} : { resize }) };
  const bytes = Buffer.from(text, "base64");
  const picture = decrypt === undefined ? bytes : decryptPicture(name, bytes, decrypt);
  return toDatatype(await decodeImage(name, picture, options, limits), info);
}

/** A picture that was encrypted as bytes, or as its base64: the older client's examples do both. */
function decryptPicture(name: string, bytes: Buffer, decrypt: (picture: Buffer) => Buffer): Buffer {
  let plain: Buffer;
  try {
    plain = decrypt(bytes);
  } catch {
    throw refusal("IMAGE_UNREADABLE", `Input ${quote(name)} is not encrypted as pictures have to be here`);
  }
  const text = plain.toString("latin1");
  return BASE64.test(text) ? Buffer.from(text, "base64") : plain;
}
