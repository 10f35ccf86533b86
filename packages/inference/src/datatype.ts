// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Datatype, TensorInfo } from "@bulwark/tensors";
import type { InferenceSession } from "onnxruntime-node";

/** ONNX Runtime's word for each datatype of the protocol. */
export const ORT_TYPES = {
  BOOL: "bool",
  UINT8: "uint8",
  UINT16: "uint16",
  UINT32: "uint32",
  UINT64: "uint64",
  INT8: "int8",
  INT16: "int16",
  INT32: "int32",
  INT64: "int64",
  FP16: "float16",
  FP32: "float32",
  FP64: "float64",
  BYTES: "string",
} as const satisfies Record<Datatype, string>;

export type OrtType = (typeof ORT_TYPES)[Datatype];

const DATATYPES = new Map<string, Datatype>(
  Object.entries(ORT_TYPES).map(([datatype, type]) => [type, datatype as Datatype]),
);

/** The datatype behind ONNX Runtime's word for it. Throws MODEL_FORMAT for those the protocol does not have. */
export function toDatatype(type: string, name: string): Datatype {
  const datatype = DATATYPES.get(type);
  if (datatype !== undefined) return datatype;
  throw new BulwarkError(
    "MODEL_FORMAT",
    `"${name}" of the model is of type ${type}, which no serving protocol carries`,
    "convert the model so that its inputs and outputs are tensors of numbers or strings",
  );
}

/** An input or output as the protocol describes it; dimensions with a name become -1. Throws MODEL_FORMAT. */
export function toTensorInfo(metadata: InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) {
    throw new BulwarkError(
      "MODEL_FORMAT",
      `"${metadata.name}" of the model is a sequence or a map, not a tensor`,
      "export the model without them; for scikit-learn: options={'zipmap': False}",
    );
  }
  return {
    name: metadata.name,
    datatype: toDatatype(metadata.type, metadata.name),
    shape: metadata.shape.map((size) => (typeof size === "number" ? size : -1)),
  };
}
