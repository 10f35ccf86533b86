// SPDX-License-Identifier: Apache-2.0

export { renderChartReadme } from "./chart-readme.ts";
export { renderChartSchema } from "./chart-schema.ts";
export { renderChartValues, renderEntryDefaults, renderOldNames } from "./chart-values.ts";
export { renderErrors, renderExitCodes } from "./errors.ts";
export { renderJobFile } from "./job-file.ts";
export { code, GENERATED_NOTE, renderTable } from "./markdown.ts";
export { renderPolicy } from "./policy.ts";
export { renderRefusedSettings } from "./refused-settings.ts";
export { renderEditorSchema, renderKeys, renderValidator, SCHEMAS } from "./schema.ts";
export {
  renderServingReadme,
  renderServingSchema,
  renderServingValues,
  SERVING_VALUES,
} from "./serving-chart.ts";
