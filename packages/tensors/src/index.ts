// SPDX-License-Identifier: Apache-2.0
export { isDatatype, isFloating, LAYOUTS, toBytes, toTensor } from "./datatypes.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { readBinaryData, readInferBinary } from "./oip/binary.ts";
export { readInferJson } from "./oip/json.ts";
export type { InferRequest, InferResponse, Parameters, RequestedOutput } from "./oip/messages.ts";
export { writeBinaryData, writeInferBinary, writeInferJson } from "./oip/response.ts";
export { countElements, parseShape } from "./shape.ts";
export type { DataByType, Datatype, NumericTensor, Tensor, TensorInfo, TensorOf } from "./tensor.ts";
