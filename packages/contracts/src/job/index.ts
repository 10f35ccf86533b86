// SPDX-License-Identifier: Apache-2.0

export { DATASET_PATTERN, DURATION_PATTERN, NAME_PATTERN, SIZE_PATTERN } from "../document/forms.ts";
export { byPosition, type PlaceFinding } from "../document/read.ts";
export { enclaveBytes, overheadBytes, podBytes } from "./cluster-rules.ts";
export { findRefusedSettings, type SettingMap } from "./find-refused.ts";
export { findRefusedOptions, type RefusedOption } from "./java-options.ts";
export { parseJobFile } from "./parse.ts";
export { isRefusedVariable, REFUSED_VARIABLES } from "./refused-environment.ts";
export { type ProfileName, REFUSED_SETTINGS } from "./refused-settings.ts";
export type { Target } from "./rules.ts";
export type { Dataset, JobFile } from "./schema.ts";
export { parseDurationMs, parseSizeBytes } from "./units.ts";
