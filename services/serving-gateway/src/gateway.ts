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
import type { Split } from "./split.ts";
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
  /** Whether the caller has gone away: cheap to ask, and enough for the engine. */
  readonly isGone: () => boolean;
  /** Aborted when the caller goes away; made only for the queue, which must be told. */
  readonly toSignal: () => AbortSignal;
};

/** Computes a request by the way that its model is set to. Throws what the engine and the queue throw. */
export function infer(gateway: Gateway, call: Call): Promise<Inference> {
  const { config, engine, durable, split, tracing } = gateway;
  const { model, version = split(model), inputs, outputs, deadline, priority, isGone } = call;
  const isDurable = deliveryOf(config, model) === "durable";
  const queue = call.isQueued === true || isDurable ? durable : undefined;
  const compute = (): Promise<Inference> => {
    if (queue !== undefined) return askQueue(queue, { ...call, version }, isDurable ? gateway.announced : undefined);
    const options = { deadline, priority, isGone, ...(outputs === undefined ? {} : { outputs }) };
    return engine.infer(model, version, inputs, options);
  };
  if (tracing === undefined) return compute();
  const span = tracing.begin(queue === undefined ? "engine" : "queue", "internal");
  return traced(span, { "bulwark.model": model }, compute);
}

/** What no engine would take is not queued. */
async function askQueue(queue: Durable, call: Call, announced: AnnouncedCatalog | undefined): Promise<Inference> {
  announced?.check(call);
  const { model, version, inputs, outputs, deadline, priority, toSignal } = call;
  const options = { deadline, priority, signal: toSignal(), ...(outputs === undefined ? {} : { outputs }) };
  return queue.infer(model, version, inputs, options);
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
