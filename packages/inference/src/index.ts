// SPDX-License-Identifier: Apache-2.0
export type {
  Engine,
  Inference,
  InferOptions,
  ModelSignature,
  VersionState,
  VersionStatistics,
  VersionStatus,
} from "./engine.ts";
