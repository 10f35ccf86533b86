// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";

type TensorCode = Extract<ErrorCode, `TENSOR_${string}` | "IMAGE_UNREADABLE">;

/** What a caller can do about each kind of refusal, where nothing better is known. */
const MENDS: Readonly<Record<TensorCode, string>> = {
  TENSOR_MALFORMED: "send what the Open Inference Protocol v2, or the older client, would send",
  TENSOR_TOO_LARGE: "send less at once, or ask the operator for a higher limit",
  TENSOR_SHAPE: "send a shape whose product is the number of elements",
  TENSOR_DATATYPE: "name one of BOOL, INT8 to INT64, UINT8 to UINT64, FP16, FP32, FP64, BYTES",
  TENSOR_VALUE: "send a value that the datatype has",
  TENSOR_MISSING: "send every input that the model names",
  TENSOR_UNKNOWN: "send only inputs, and ask only for outputs, that the model names",
  IMAGE_UNREADABLE: "send a JPEG, PNG, WebP, GIF, AVIF or TIFF image",
};

/** The refusal of a request; `mend` where there is something better to say than the usual. */
export function refusal(code: TensorCode, message: string, mend = MENDS[code]): BulwarkError {
  return new BulwarkError(code, message, mend);
}

/** A name as it may stand in a message: short, and without control characters. */
export function quote(name: unknown): string {
  const text = typeof name === "string" ? name : typeof name;
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}
