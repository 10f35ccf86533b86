// SPDX-License-Identifier: Apache-2.0
export { TEE_OF } from "./conditions.ts";
export { parsePolicy } from "./parse.ts";
export type { Conditions, Policy } from "./schema.ts";
