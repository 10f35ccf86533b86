// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Inference } from "@bulwark/inference";
import {
  type Answer,
  createIntake,
  type FillRandom,
  type IntakeLimits,
  type Link,
  listenForAnswers,
  type Names,
  type Priority,
  type Receipt,
  type RecordKeys,
  type RequestContent,
  type ResultContent,
  SEALED,
} from "@bulwark/queue";
import type { Tensor } from "@bulwark/tensors";
import { openValue, sealRequest } from "./sealed.ts";
import { readTicket, writeTicket } from "./ticket.ts";
import { type Watch, watchQueue } from "./watch.ts";

/** What accompanies a request. */
export type DurableOptions = {
  signal?: AbortSignal;
  /** Instant in ms since 1970; the setting `budgetMs` from now when absent. */
  deadline?: number;
  priority?: Priority;
  outputs?: readonly string[];
};

/** Delivery through the queue: a record that was taken in is computed even if this process, an engine or Redis dies. */
export type Durable = {
  /**
   * Sends a request through the queue and waits for its result.
   *
   * @throws BulwarkError QUEUE_FULL, QUEUE_UNREACHABLE, QUEUE_EVICTS, ENGINE_ABSENT (nobody was there to compute it),
   *   SERVING_DEADLINE, SERVING_CANCELLED, RECORD_TAMPERED, and what the engine failed with
   */
  infer(
    model: string,
    version: string | undefined,
    inputs: readonly Tensor[],
    options?: DurableOptions,
  ): Promise<Inference>;
  /** Sends the record of an older client as it is; gives the text of its result. */
  forward(model: string, record: { serde?: string; data: Buffer }, options?: DurableOptions): Promise<string>;
  /** Takes a request in and answers at once; its result is kept, to be fetched with the id. */
  submit(
    model: string,
    version: string | undefined,
    inputs: readonly Tensor[],
    options?: DurableOptions,
  ): Promise<{ id: string }>;
  /** The result of a submitted request, `pending` while there is none yet. Throws RESULT_UNKNOWN, and what the engine failed with. */
  result(id: string, options?: { waitMs?: number; signal?: AbortSignal }): Promise<Inference | "pending">;
  /** The queue as it was seen last, at most about a second ago. */
  watch: Watch;
  close(): Promise<void>;
};

export type DurableParts = {
  /** For commands. */
  commands: Link;
  /** Of its own: it waits for answers. */
  reader: Link;
  names: Names;
  /** Names this process's channel of answers; no two have the same. */
  instance: string;
  keys: RecordKeys;
  limits: IntakeLimits;
  /** For requests without a deadline. */
  budgetMs: number;
  now: () => number;
  makeId: () => string;
  fillRandom: FillRandom;
  pause: (ms: number) => Promise<void>;
};

const POLL_MS = 100;
const GRACE_MS = 1_000;

/** Opens delivery through the queue on connections that the caller made. */
export function createDurable(parts: DurableParts): Durable {
  const { commands, reader, names, instance, keys, now, fillRandom, pause } = parts;
  const intake = createIntake(commands, names, parts.limits);
  const watch = watchQueue({ link: commands, names });
  const waiting = new Map<string, (value: Buffer) => void>();
  const onAnswer = ({ uri, value }: Answer): void => waiting.get(uri)?.(value);
  const answers = listenForAnswers({ reader, commands, names, instance, onAnswer, pause });
  const placeOf = (uri: string, model: string) => ({ stream: names.job, uri, model });

  const admit = async (
    content: RequestContent,
    { uri, model, budgetMs, keep }: { uri: string; model: string; budgetMs: number; keep: boolean },
    priority: Priority = "normal",
  ) => {
    watch.check();
    const { data, dataKey } = sealRequest(content, { keys, place: placeOf(uri, model), fillRandom });
    const channel = keep ? { keep } : { reply: instance };
    const receipt = await intake.admit({ uri, model, budgetMs, priority, data, serde: SEALED, ...channel });
    return { receipt, dataKey };
  };

  const ask = async (model: string, content: RequestContent, options: DurableOptions): Promise<ResultContent> => {
    const uri = parts.makeId();
    const budgetMs = (options.deadline ?? now() + parts.budgetMs) - now();
    const limit = startLimit(budgetMs, options.signal);
    let receipt: Receipt | undefined;
    try {
      const answer = new Promise<Buffer>((resolve) => waiting.set(uri, resolve));
      const admission = admit(content, { uri, model, budgetMs, keep: false }, options.priority);
      // Should the limit come first, a late admission is taken back.
      admission.then(
        ({ receipt: late }) => limit.isOver() && withdraw(late),
        () => {},
      );
      const admitted = await Promise.race([admission, limit.over]);
      receipt = admitted.receipt;
      const value = await Promise.race([answer, limit.over]);
      return openValue(value, { dataKey: admitted.dataKey, place: placeOf(uri, model) });
    } catch (error) {
      if (!limit.isOver()) throw error;
      if (receipt !== undefined) withdraw(receipt);
      throw options.signal?.aborted === true ? cancelled() : watch.explainSilence(receipt !== undefined);
    } finally {
      limit.clear();
      waiting.delete(uri);
    }
  };

  /** Nobody waits for it any more: where no engine has it yet, none will. */
  const withdraw = (receipt: Receipt): void => void intake.withdraw(receipt).catch(() => {});

  return {
    async infer(model, version, inputs, options = {}) {
      const result = await ask(model, toContent(version, inputs, options), options);
      return toInference(result);
    },

    async forward(model, record, options = {}) {
      const result = await ask(model, { kind: "older", ...record }, options);
      if (result.kind === "older") return String(result.value);
      throw toError(result);
    },

    async submit(model, version, inputs, options = {}) {
      const budgetMs = (options.deadline ?? now() + parts.budgetMs) - now();
      if (budgetMs <= 0) throw expired();
      const uri = writeTicket({ id: parts.makeId(), until: now() + budgetMs, model });
      await admit(toContent(version, inputs, options), { uri, model, budgetMs, keep: true }, options.priority);
      return { id: uri };
    },

    async result(id, { waitMs = 0, signal } = {}) {
      const { model, until } = readTicket(id);
      const limit = now() + waitMs;
      for (;;) {
        const value = await intake.readResult(id);
        if (value !== undefined) return toInference(openValue(value, { keys, place: placeOf(id, model) }));
        const left = limit - now();
        if (left <= 0 || signal?.aborted === true) break;
        await pause(Math.min(POLL_MS, left));
      }
      // Every record is answered by its deadline, or soon after by the engine that finds it.
      if (now() > until + GRACE_MS) throw unknownResult(id);
      return "pending";
    },

    watch,

    async close() {
      watch.close();
      answers.close();
      await answers.done;
      commands.close();
    },
  };
}

function toContent(
  version: string | undefined,
  inputs: readonly Tensor[],
  { outputs }: DurableOptions,
): RequestContent {
  return {
    kind: "tensors",
    inputs,
    ...(version === undefined ? {} : { version }),
    ...(outputs === undefined ? {} : { outputs }),
  };
}

function toInference(result: ResultContent): Inference {
  if (result.kind !== "tensors") throw toError(result);
  const { model, version, outputs } = result;
  return { model, version, outputs };
}

function toError(result: ResultContent): BulwarkError {
  if (result.kind === "failure") return new BulwarkError(result.code, result.message, result.mend);
  return new BulwarkError("RECORD_MALFORMED", "The result is of another kind than the request.", "update the engine");
}

const expired = (): BulwarkError =>
  new BulwarkError("SERVING_DEADLINE", "The deadline had passed before the request was taken in.", "allow more time");
const cancelled = (): BulwarkError =>
  new BulwarkError("SERVING_CANCELLED", "The caller went away before the result was there.", "ask again");
const unknownResult = (id: string): BulwarkError =>
  new BulwarkError(
    "RESULT_UNKNOWN",
    `There is no result ${id.slice(0, 80)}, or not any more.`,
    "submit the request again",
  );

/** The instant at which an asker stops waiting, or goes away. */
type Limit = { over: Promise<never>; isOver(): boolean; clear(): void };

function startLimit(budgetMs: number, signal: AbortSignal | undefined): Limit {
  if (budgetMs <= 0) throw expired();
  if (signal?.aborted === true) throw cancelled();
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  let isOver = false;
  const end = (): void => {
    isOver = true;
    reject(expired());
  };
  const timer = setTimeout(end, budgetMs);
  signal?.addEventListener("abort", end, { once: true });
  return {
    over: promise,
    isOver: () => isOver,
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
    },
  };
}
