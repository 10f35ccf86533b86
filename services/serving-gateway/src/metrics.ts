// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import { reasonOf, TRITON_FAMILIES } from "@bulwark/inference";
import { Counter, Gauge, Registry } from "prom-client";
import type { Durable } from "./durable/index.ts";
import { createLatencies, type Latency } from "./latencies.ts";
import type { Models } from "./models.ts";
import { addQueueMetrics, addWebhookMetrics } from "./queue-metrics.ts";
import type { TimerReport, Timers } from "./timers.ts";
import type { Webhooks } from "./webhooks/index.ts";

export type Protocol = "oip-json" | "oip-binary" | "oip-arrow" | "oip-grpc" | "generate" | "older";

/** What the server counts. */
export type Metrics = {
  /** A request for a model that was answered. */
  done(request: { model: string; version: string; protocol: Protocol; startedAt: number }): void;
  /** One that was refused or failed; an empty model where none was found. */
  failed(model: string, code: ErrorCode): void;
  /** In Prometheus' text format. */
  render(): Promise<string>;
  /** As the older server's `/metrics` had it. */
  report(): TimerReport[];
};

const LABELS = ["model", "version"] as const;

type Sources = {
  inFlight(): number;
  now(): number;
  timers: Timers;
  durable?: Pick<Durable, "watch"> | undefined;
  webhooks?: Webhooks | undefined;
};

export function createMetrics(
  models: Pick<Models, "list" | "statistics">,
  { inFlight, now, timers, durable, webhooks }: Sources,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (durable !== undefined) addQueueMetrics(registry, durable);
  if (webhooks !== undefined) addWebhookMetrics(registry, webhooks);
  for (const { name, help, read } of TRITON_FAMILIES) {
    new Counter({
      name,
      help,
      labelNames: LABELS,
      registers,
      collect() {
        this.reset();
        for (const one of models.statistics()) this.inc({ model: one.model, version: one.version }, read(one));
      },
    });
  }
  new Gauge({
    name: "nv_inference_pending_request_count",
    help: "Requests that wait or are computed",
    labelNames: LABELS,
    registers,
    collect() {
      this.reset();
      for (const { model, version, pending } of models.statistics()) this.set({ model, version }, pending);
    },
  });
  new Gauge({
    name: "bulwark_serving_in_flight",
    help: "Requests under way in the server",
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the server",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  const failures = new Counter({
    name: "nv_inference_request_failure",
    help: "Requests that were refused or failed",
    labelNames: ["model", "reason", "code"],
    registers,
  });
  const latencies = createLatencies(
    "bulwark_serving_request_seconds",
    "Time from the arrival of a request to its answer",
  );
  const observers = new Map<string, Latency>();

  const latencyOf = (model: string, version: string, protocol: Protocol): Latency => {
    const key = `${protocol} ${version} ${model}`;
    let latency = observers.get(key);
    if (latency === undefined) {
      latency = latencies.of({ model, version, protocol });
      observers.set(key, latency);
    }
    return latency;
  };

  return {
    done({ model, version, protocol, startedAt }) {
      const ms = now() - startedAt;
      latencyOf(model, version, protocol).observe(ms / 1000);
      timers.record("request.overall", ms);
      if (protocol === "older") timers.record("request.predict", ms);
    },
    failed(model, code) {
      // A name that is no model's is whatever a caller wrote.
      const known = models.list().some((status) => status.model === model) ? model : "";
      failures.inc({ model: known, reason: reasonOf(code), code });
    },
    render: async () => `${await registry.metrics()}\n${latencies.render()}`,
    report: () => timers.report(),
  };
}
