// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as it is, for tests elsewhere that compare the engine with it: only this package depends on it.
export * from "onnxruntime-node";
