// SPDX-License-Identifier: Apache-2.0
export { renderChartPlan } from "./chart/plan.ts";
export { PORTS } from "./chart/settings.ts";
export { encodeInitData } from "./confidential-vm/init-data.ts";
export { type DataToolInput, planDataTool } from "./data-tool.ts";
export { type PlannedDataset, planDatasets, workingPath } from "./datasets.ts";
export { type EnclaveRole, listProgramFiles, type ManifestInput, renderManifest } from "./gramine/manifest.ts";
export { type HistoryInput, planHistoryServer } from "./history.ts";
export {
  type PlanInput,
  type PlannedFile,
  type ProcessPlan,
  planRun,
  type RunFolders,
  type RunPlan,
  requiredKeys,
} from "./plan.ts";
export type { StorePaths } from "./profiles.ts";
export { formatProperties, type Properties, parseProperties } from "./properties-file.ts";
