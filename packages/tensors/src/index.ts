// SPDX-License-Identifier: Apache-2.0
export { DIALECTS, type Dialect, FAILED, type Prediction, writePredictions } from "./bigdl/dialects.ts";
export { fitInputs } from "./bigdl/fit-inputs.ts";
export { readInstances } from "./bigdl/instances.ts";
export type { OlderInput } from "./bigdl/older-input.ts";
export { type PostProcessing, parsePostProcessing, postProcess } from "./bigdl/post-processing.ts";
export { decodeRecord, encodeRecord, type RecordInput } from "./bigdl/record.ts";
export { decodeResult, encodeResult } from "./bigdl/result.ts";
export { isDatatype, isFloating, LAYOUTS, toBytes, toTensor } from "./datatypes.ts";
export { DEFAULT_LIMITS, type Limits } from "./limits.ts";
export { readBinaryData, readInferBinary } from "./oip/binary.ts";
export { type Asked, readInferResponse, writeInferRequest } from "./oip/client.ts";
export { readInferJson } from "./oip/json.ts";
export type { InferRequest, InferResponse, Parameters, RequestedOutput } from "./oip/messages.ts";
export { writeBinaryData, writeInferBinary, writeInferJson } from "./oip/response.ts";
export { countElements, parseShape } from "./shape.ts";
export type { DataByType, Datatype, NumericTensor, Tensor, TensorInfo, TensorOf } from "./tensor.ts";
export { makeZeros } from "./zeros.ts";
