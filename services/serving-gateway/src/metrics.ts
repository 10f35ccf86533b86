// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import type { VersionStatistics } from "@bulwark/inference";
import { Counter, Gauge, Registry } from "prom-client";
import type { Durable } from "./durable/index.ts";
import { createLatencies, type Latency } from "./latencies.ts";
import type { Models } from "./models.ts";
import { addQueueMetrics, addWebhookMetrics } from "./queue-metrics.ts";
import { createTimers, type TimerReport } from "./timers.ts";
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

/** Triton's four reasons of a failure. */
type Reason = "REJECTED" | "CANCELED" | "BACKEND" | "OTHER";

const REASONS: Readonly<Partial<Record<ErrorCode, Reason>>> = {
  ENGINE_BUSY: "REJECTED",
  SERVING_LIMIT: "REJECTED",
  SERVING_STOPPING: "REJECTED",
  QUEUE_FULL: "REJECTED",
  SERVING_CANCELLED: "CANCELED",
  SERVING_DEADLINE: "CANCELED",
  MODEL_FAILED: "BACKEND",
  ENGINE_LOST: "BACKEND",
  MODEL_NOT_READY: "BACKEND",
};

const LABELS = ["model", "version"] as const;

/** Triton's families that are sums of what the engine counts (triton-inference-server, docs/user_guide/metrics.md). */
const FAMILIES: readonly { name: string; help: string; read: (one: VersionStatistics) => number }[] = [
  { name: "nv_inference_request_success", help: "Requests answered by the model", read: ({ requests }) => requests },
  { name: "nv_inference_count", help: "Rows computed", read: ({ rows }) => rows },
  {
    name: "nv_inference_exec_count",
    help: "Runs of the model, each of one batch",
    read: ({ executions }) => executions,
  },
  { name: "nv_inference_request_duration_us", help: "Time from arrival to answer", read: ({ totalUs }) => totalUs },
  { name: "nv_inference_queue_duration_us", help: "Time spent waiting for a run", read: ({ queueUs }) => queueUs },
  { name: "nv_inference_compute_infer_duration_us", help: "Time of the runs", read: ({ computeUs }) => computeUs },
];

type Sources = {
  inFlight(): number;
  now(): number;
  durable?: Pick<Durable, "watch"> | undefined;
  webhooks?: Webhooks | undefined;
};

export function createMetrics(
  models: Pick<Models, "list" | "statistics">,
  { inFlight, now, durable, webhooks }: Sources,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (durable !== undefined) addQueueMetrics(registry, durable);
  if (webhooks !== undefined) addWebhookMetrics(registry, webhooks);
  for (const { name, help, read } of FAMILIES) {
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
  const timers = createTimers(now);
  const observers = new Map<string, { latency: Latency; timer: string }>();

  const observerOf = (model: string, version: string, protocol: Protocol) => {
    const key = `${protocol} ${version} ${model}`;
    let observer = observers.get(key);
    if (observer === undefined) {
      observer = { latency: latencies.of({ model, version, protocol }), timer: `inference.${model}.${version}` };
      observers.set(key, observer);
    }
    return observer;
  };

  return {
    done({ model, version, protocol, startedAt }) {
      const ms = now() - startedAt;
      const observer = observerOf(model, version, protocol);
      observer.latency.observe(ms / 1000);
      timers.record("request.overall", ms);
      timers.record(protocol === "older" ? "request.predict" : observer.timer, ms);
    },
    failed(model, code) {
      // A name that is no model's is whatever a caller wrote.
      const known = models.list().some((status) => status.model === model) ? model : "";
      failures.inc({ model: known, reason: REASONS[code] ?? "OTHER", code });
    },
    render: async () => `${await registry.metrics()}\n${latencies.render()}`,
    report: () => timers.report(),
  };
}
