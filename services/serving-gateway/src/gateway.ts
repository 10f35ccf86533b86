// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { AnnouncedCatalog, Engine, Inference, OlderSecrets, OpenOlderBlob, Priority } from "@bulwark/inference";
import type { Tensor } from "@bulwark/tensors";
import { type Tracing, traced } from "@bulwark/tracing";
import type { Clients } from "./clients.ts";
import { deliveryOf, type GatewayConfig } from "./config.ts";
import type { Durable } from "./durable/index.ts";
import type { Metrics } from "./metrics.ts";
import type { Models } from "./models.ts";
import type { QueuedStatistics } from "./queued-statistics.ts";
import type { RetryAfter } from "./retry-after.ts";
import type { Split } from "./split.ts";
import type { Timers } from "./timers.ts";
import type { Webhooks } from "./webhooks/index.ts";

/** What every surface works with. */
export type Gateway = {
  readonly config: GatewayConfig;
  /** What there is to ask, and whether it is ready. */
  readonly models: Models;
  /** Computes in this process; it has the models of direct delivery alone. */
  readonly engine: Pick<Engine, "infer" | "close">;
  /** What engines behind the queue tell of, where a model is delivered to them. */
  readonly announced: AnnouncedCatalog | undefined;
  /** Delivery through the queue, where there is one. */
  readonly durable: Durable | undefined;
  /** Where submitters may be told of the end of their requests. */
  readonly webhooks: Webhooks | undefined;
  /** Aborted when the server is asked to end: who only waits for others need not be waited for. */
  readonly stopping: AbortSignal;
  /** Aborted when requests under way have had their time: streams end. */
  readonly cutting: AbortSignal;
  /** Which version a request goes to that names none. */
  readonly split: Split;
  /** Opens the pictures of older clients, where they encrypt them. */
  readonly decrypt: OpenOlderBlob | undefined;
  /**
   * Loads the models that wait for BigDL's secrets, where there may be such: gives whether all of them opened. The secrets
   * stay in this process's memory, as a derived key.
   */
  readonly secureModels: ((secrets: OlderSecrets) => Promise<boolean>) | undefined;
  readonly clients: Clients;
  readonly metrics: Metrics;
  readonly timers: Timers;
  readonly retryAfter: RetryAfter;
  /** Counts what goes through the queue. */
  readonly queued: QueuedStatistics;
  /** Where a collector of traces is set. */
  readonly tracing: Tracing | undefined;
  /** Milliseconds since 1970, with fractions. */
  now(): number;
};

/** One request, as the surfaces hand it on. */
export type Call = {
  readonly model: string;
  readonly version: string | undefined;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[] | undefined;
  readonly deadline: number;
  readonly priority: Priority;
  /** Through the queue where there is one, whatever the model is set to. */
  readonly isQueued?: boolean;
  /** Whether the caller has gone away; cheap to ask. */
  readonly isGone: () => boolean;
};

/** Computes a request by the way that its model is set to. Throws what the engine and the queue throw. */
export async function infer(gateway: Gateway, call: Call): Promise<Inference> {
  const { models, timers, retryAfter, now } = gateway;
  const startedAt = now();
  try {
    const inference = await inferTraced(gateway, call);
    retryAfter.done();
    timers.record(`inference.${inference.model}.${inference.version}`, now() - startedAt);
    if (inference.run !== undefined) {
      timers.record(`pure.predict.${inference.model}.${inference.version}`, inference.run.computeUs / 1000);
    }
    return inference;
  } catch (error) {
    throw models.withNames(error, call.model);
  } finally {
    timers.record("backend.inference", now() - startedAt);
  }
}

function inferTraced(gateway: Gateway, call: Call): Promise<Inference> {
  const { config, engine, durable, split, tracing } = gateway;
  const { model, version = split(model), inputs, outputs, deadline, priority, isGone } = call;
  const isDurable = deliveryOf(config, model) === "durable";
  const queue = call.isQueued === true || isDurable ? durable : undefined;
  const compute = (): Promise<Inference> => {
    if (queue !== undefined) return askQueue(gateway, queue, { ...call, version });
    const options = { deadline, priority, isGone, ...(outputs === undefined ? {} : { outputs }) };
    return engine.infer(model, version, inputs, options);
  };
  if (tracing === undefined) return compute();
  const span = tracing.begin(queue === undefined ? "engine" : "queue", "internal");
  return traced(span, { "bulwark.model": model }, compute);
}

/** What no engine would take is not queued. */
async function askQueue(gateway: Gateway, queue: Durable, call: Call): Promise<Inference> {
  const { model, version, inputs, outputs, deadline, priority, isGone } = call;
  const shared = deliveryOf(gateway.config, model) === "durable" ? gateway.announced?.check(call) : undefined;
  const options = { deadline, priority, isGone, shared, ...(outputs === undefined ? {} : { outputs }) };
  return gateway.queued.count(findVersion(gateway, call), () => queue.infer(model, version, inputs, options));
}

/** The version that a request goes to, where it is known; whatever else a caller names is counted nowhere. */
function findVersion({ models }: Gateway, { model, version }: Call): { model: string; version: string } | undefined {
  try {
    return { model, version: models.describe(model, version).version };
  } catch {
    return undefined;
  }
}

/** What a request says of its place among others (Triton's extension_schedule_policy.md). */
export type Schedule = { readonly timeout?: unknown; readonly priority?: unknown };

/**
 * The instant by which a request is to be answered, its own limit, but never longer than the server's; and its priority: 1 is
 * the most urgent, 0 the usual one, 2 as well, more is less urgent. Throws SERVING_REQUEST for a `timeout` that is no number
 * of microseconds, 0 meaning none, or a `priority` that is no whole number.
 */
export function toSchedule(
  { config, now }: Pick<Gateway, "config" | "now">,
  { timeout = 0, priority = 0 }: Schedule,
  longestMs = config.requestMs,
): Pick<Call, "deadline" | "priority"> {
  if (typeof timeout !== "number" || !(timeout >= 0)) throw refuse("timeout", "a number of microseconds from 0 on");
  if (!Number.isSafeInteger(priority) || Number(priority) < 0) throw refuse("priority", "a whole number from 0 on");
  const limitMs = timeout === 0 ? longestMs : Math.min(timeout / 1000, longestMs);
  return { deadline: now() + limitMs, priority: PRIORITIES[Number(priority)] ?? "low" };
}

const PRIORITIES: readonly Priority[] = ["normal", "high", "normal"];

const refuse = (name: string, wanted: string): BulwarkError =>
  new BulwarkError("SERVING_REQUEST", `The parameter ${name} is to be ${wanted}`, `leave ${name} out, or mend it`);
