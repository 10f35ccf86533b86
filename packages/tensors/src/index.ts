// SPDX-License-Identifier: Apache-2.0
export type { DataByType, Datatype, NumericTensor, Tensor, TensorInfo, TensorOf } from "./tensor.ts";
