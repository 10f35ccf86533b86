// SPDX-License-Identifier: Apache-2.0
export { createDurable, type Durable, type DurableOptions, type DurableParts, type WaitOptions } from "./durable.ts";
export { type DurableSettings, openDurable } from "./open.ts";
