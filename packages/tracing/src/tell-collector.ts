// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from "node:async_hooks";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { parseTraceParent } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Attributes, Kind, Span, Tracing } from "./tracing.ts";

const KINDS = { server: SpanKind.SERVER, consumer: SpanKind.CONSUMER, internal: SpanKind.INTERNAL } as const;
const CLOSE_MS = 3_000;

/**
 * Sends spans to a collector by OTLP over HTTP. A collector that is not there costs the spans and nothing else. Whether a
 * trace is taken at all is the caller's choice where it brings one. Throws SERVING_CONFIG.
 */
export function tellCollector({ endpoint, service }: { endpoint: string; service: string }): Tracing {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": service }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: toUrl(endpoint) }) })],
  });
  const tracer = provider.getTracer("bulwark");
  const underWay = new AsyncLocalStorage<{ context: Context; traceparent: string }>();

  const findParent = (traceparent: string | undefined): Context => {
    const remote = traceparent === undefined ? null : parseTraceParent(traceparent);
    if (remote !== null) return trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
    return underWay.getStore()?.context ?? ROOT_CONTEXT;
  };

  return {
    begin(name: string, kind: Kind, traceparent?: string): Span {
      const parent = findParent(traceparent);
      const span = tracer.startSpan(name, { kind: KINDS[kind] }, parent);
      const { traceId, spanId, traceFlags } = span.spanContext();
      const flags = (traceFlags & TraceFlags.SAMPLED) === 0 ? "00" : "01";
      const own = { context: trace.setSpan(parent, span), traceparent: `00-${traceId}-${spanId}-${flags}` };
      let isOver = false;
      return {
        traceparent: own.traceparent,
        within: (run) => underWay.run(own, run),
        end(attributes: Attributes = {}, failure?: string) {
          if (isOver) return;
          isOver = true;
          span.setAttributes(attributes);
          if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          span.end();
        },
      };
    },
    current: () => underWay.getStore()?.traceparent,
    async close() {
      const limit = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch(() => {}), limit]);
    },
  };
}

function toUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const mend = "name one like http://collector:4318, without /v1/traces";
    throw new BulwarkError("SERVING_CONFIG", "The endpoint of traces is no http or https address", mend);
  }
  return `${url.href.replace(/\/$/, "")}/v1/traces`;
}
