// SPDX-License-Identifier: Apache-2.0

/** What the server says of itself (OIP server metadata). */
export const SERVER = {
  name: "bulwark",
  version: "0.1.0",
  extensions: ["binary_tensor_data", "generate", "model_repository", "schedule_policy", "statistics"],
} as const;

export const PLATFORM = "onnx_onnxv1";
