// SPDX-License-Identifier: Apache-2.0
import type { QueueState } from "@bulwark/queue";
import { Counter, Gauge, type Registry } from "prom-client";
import type { Durable } from "./durable/index.ts";
import type { Webhooks } from "./webhooks/index.ts";

/** What of the queue is shown, as it was seen last. A queue that cannot be reached shows nothing but that. */
const GAUGES: readonly { name: string; help: string; read: (state: QueueState) => number }[] = [
  { name: "pending", help: "Records that engines hold now", read: ({ pending }) => pending },
  { name: "bytes", help: "Bytes of the records that wait", read: ({ bytes }) => bytes },
  { name: "oldest_seconds", help: "Age of the oldest record", read: ({ oldestMs }) => oldestMs / 1000 },
  { name: "dead_letters", help: "Records that were given up and lie there", read: ({ dead }) => dead },
  { name: "engines", help: "Engines alive", read: ({ engines }) => engines.length },
  { name: "redis_used_bytes", help: "Memory that Redis uses", read: ({ redis }) => redis.usedBytes },
  { name: "redis_most_bytes", help: "Memory that Redis may use; 0: no limit", read: ({ redis }) => redis.mostBytes },
];

/** What Redis itself counts, so that it goes on when a gateway is replaced. */
const COUNTERS: typeof GAUGES = [
  {
    name: "lost",
    help: "Records that somebody removed from the queue before their end; nothing of ours does",
    read: ({ lost }) => lost,
  },
  {
    name: "dead_letters_dropped",
    help: "Dead letters that were dropped to make room for newer ones",
    read: ({ dropped }) => dropped,
  },
];

/** Adds the queue's families; each is read when it is asked for, from what the watch knows. */
export function addQueueMetrics(registry: Registry, { watch }: Pick<Durable, "watch">): void {
  const registers = [registry];
  const seen = (): QueueState | undefined => {
    const { queue, problem } = watch.state();
    return problem === undefined ? queue : undefined;
  };
  new Gauge({
    name: "bulwark_serving_queue_up",
    help: "1 when Redis can be reached and used",
    registers,
    collect() {
      this.set(seen() === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: "bulwark_serving_queue_records",
    help: "Records in the queue, those being computed included",
    labelNames: ["priority"],
    registers,
    collect() {
      this.reset();
      for (const [priority, count] of Object.entries(seen()?.records ?? {})) this.set({ priority }, count);
    },
  });
  const families = [
    ...GAUGES.map((family) => ({ ...family, Kind: Gauge })),
    ...COUNTERS.map((family) => ({ ...family, name: `${family.name}_total`, Kind: Counter })),
  ];
  for (const { name, help, read, Kind } of families) {
    new Kind({
      name: `bulwark_serving_queue_${name}`,
      help,
      // A family with labels has no value until it gets one; one without begins with 0, which would be a lie.
      labelNames: ["job"],
      registers,
      collect() {
        this.reset();
        const state = seen();
        if (state !== undefined) this.inc({ job: watch.job }, read(state));
      },
    });
  }
}

export function addWebhookMetrics(registry: Registry, webhooks: Webhooks): void {
  const registers = [registry];
  new Gauge({
    name: "bulwark_serving_webhooks_waiting",
    help: "Webhooks that wait for the end of their request, or for their receiver",
    registers,
    collect() {
      this.set(webhooks.counts().waiting);
    },
  });
  new Counter({
    name: "bulwark_serving_webhooks_total",
    help: "Webhooks that were delivered, and given up",
    labelNames: ["outcome"],
    registers,
    collect() {
      this.reset();
      const { delivered, failed } = webhooks.counts();
      this.inc({ outcome: "delivered" }, delivered);
      this.inc({ outcome: "failed" }, failed);
    },
  });
}
