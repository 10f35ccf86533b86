// SPDX-License-Identifier: Apache-2.0
export { openTracing } from "./open-tracing.ts";
export type { Attributes, Kind, Span, Tracing } from "./tracing.ts";
