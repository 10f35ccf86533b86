// SPDX-License-Identifier: Apache-2.0
import type { Tracing } from "./tracing.ts";

export { traced } from "./traced.ts";
export type { Attributes, Kind, Span, Tracing } from "./tracing.ts";

/**
 * Tells a collector at `endpoint`, where there is one. What speaks to it is loaded then alone.
 *
 * @param options.endpoint as `OTEL_EXPORTER_OTLP_ENDPOINT` has it: without `/v1/traces` (OpenTelemetry, OTLP exporter)
 * @throws BulwarkError SERVING_CONFIG
 */
export async function openTracing(options: {
  endpoint: string | undefined;
  service: string;
}): Promise<Tracing | undefined> {
  const { endpoint, service } = options;
  if (endpoint === undefined) return undefined;
  const { tellCollector } = await import("./tell-collector.ts");
  return tellCollector({ endpoint, service });
}
