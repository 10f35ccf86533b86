// SPDX-License-Identifier: Apache-2.0
import type { AnnouncedCatalog, Engine, Inference, OlderSecrets, OpenOlderBlob } from "@bulwark/inference";
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
  const { model, version = split(model), inputs, outputs, deadline, isGone } = call;
  const isDurable = deliveryOf(config, model) === "durable";
  const queue = call.isQueued === true || isDurable ? durable : undefined;
  const compute = (): Promise<Inference> => {
    if (queue !== undefined) return askQueue(queue, { ...call, version }, isDurable ? gateway.announced : undefined);
    return engine.infer(model, version, inputs, { deadline, isGone, ...(outputs === undefined ? {} : { outputs }) });
  };
  if (tracing === undefined) return compute();
  const span = tracing.begin(queue === undefined ? "engine" : "queue", "internal");
  return traced(span, { "bulwark.model": model }, compute);
}

/** What no engine would take is not queued. */
async function askQueue(queue: Durable, call: Call, announced: AnnouncedCatalog | undefined): Promise<Inference> {
  announced?.check(call);
  const { model, version, inputs, outputs, deadline, toSignal } = call;
  const options = { deadline, signal: toSignal(), ...(outputs === undefined ? {} : { outputs }) };
  return queue.infer(model, version, inputs, options);
}

/** The instant by which a request is to be answered: its own limit, but never longer than the server's. */
export function toDeadline({ config, now }: Gateway, timeoutUs: unknown, longestMs = config.requestMs): number {
  const ownMs = typeof timeoutUs === "number" && timeoutUs > 0 ? timeoutUs / 1000 : longestMs;
  return now() + Math.min(ownMs, longestMs);
}
