// SPDX-License-Identifier: Apache-2.0
export * from "./errors/index.ts";
export * from "./job/index.ts";
export * from "./policy/index.ts";
export { suggestName } from "./suggest-name.ts";
