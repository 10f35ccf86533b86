// SPDX-License-Identifier: Apache-2.0
export { type AnnouncedCatalog, createAnnouncedCatalog, type Shared } from "./announced.ts";
export {
  type AnnouncedKey,
  type Announcement,
  type CarriedOut,
  LONGEST_ANNOUNCEMENT_BYTES,
  readAnnouncement,
  writeAnnouncement,
} from "./announcement.ts";
export { createEngine, type EngineParts } from "./create-engine.ts";
export type {
  Catalog,
  Engine,
  Inference,
  InferOptions,
  ModelSignature,
  Priority,
  RunShare,
  VersionState,
  VersionStatistics,
  VersionStatus,
} from "./engine.ts";
export { UNLOADED } from "./engine.ts";
export { generateTokens, type Step } from "./generation/generate.ts";
export { makePlan, type StreamPlan } from "./generation/plan.ts";
export { readSampling, type Sampling } from "./generation/sampling.ts";
export { unwrapFrom } from "./master-keys.ts";
export { shareMemory } from "./memory.ts";
export { isModelFile, MODEL_FILES } from "./model-files.ts";
export {
  deriveOlderKey,
  hasIntegrity,
  type OlderSecrets,
  type OpenOlderBlob,
  openOlderModel,
} from "./older-blob.ts";
export {
  findOlderBlobFaults,
  type OlderBlobSettings,
  type OlderModels,
  openOlderModels,
  openOlderRecords,
  readOlderSecrets,
} from "./older-models.ts";
export { findSettingsFaults, resolveSettings } from "./read-settings.ts";
export { modelUnknown } from "./refusals.ts";
export { openFile, openFolder, type Repository } from "./repository.ts";
export { joinRows, splitRows } from "./rows.ts";
export {
  isSealed,
  openSealedModel,
  readSealedHeader,
  type SealedHeader,
  sealModel,
  type UnwrapModelKey,
} from "./sealed-model.ts";
export { DEFAULT_SETTINGS, type ModelSettings, type StreamSettings, type VersionPolicy } from "./settings.ts";
export { endProcess, watchStuck } from "./stuck.ts";
export { type FailureReason, reasonOf, TRITON_FAMILIES } from "./triton-families.ts";
