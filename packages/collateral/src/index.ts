// SPDX-License-Identifier: Apache-2.0
export { createBundleSource, createFolderSource, type ReadFile } from "./file.ts";
export { createHttpsGet } from "./https-get.ts";
export type { Update } from "./items.ts";
export { type HttpAnswer, type Network, PATIENCE, type Patience } from "./network.ts";
export { type CollateralEvent, createRefreshingSource, type RefreshOptions } from "./refresh.ts";
export { createServiceSource, INTEL_PCS, type ServiceOptions } from "./service.ts";
export { type CollateralRequest, type CollateralSource, toFileName, toRequest } from "./source.ts";
