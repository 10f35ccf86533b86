// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Inference, Shared } from "@bulwark/inference";
import {
  type Answer,
  createIntake,
  type IntakeLimits,
  isSealed,
  type Link,
  listenForAnswers,
  type Orders,
  openOrders,
  type Priority,
  type RequestContent,
  type ResultContent,
  readKeptModel,
  SEALED,
  writeKeptUri,
} from "@bulwark/queue";
import type { Tensor } from "@bulwark/tensors";
import type { HearEngines } from "../hear-engines.ts";
import { type Asked, type AskingParts, createAsking } from "./ask.ts";
import { type Bell, createBell } from "./bell.ts";
import { openValue, sealRequest } from "./sealed.ts";
import { readTicket, writeTicket } from "./ticket.ts";
import { type Watch, watchQueue } from "./watch.ts";

/** What accompanies a request. */
export type DurableOptions = {
  /** Whether the caller has gone away; cheap to ask. */
  isGone?: () => boolean;
  /** Instant in ms since 1970; the setting `budgetMs` from now when absent. */
  deadline?: number;
  priority?: Priority;
  outputs?: readonly string[];
  /** How it may share a record with others; absent for one that goes alone. */
  shared?: Shared | undefined;
};

/** How long to wait for a result that is not there yet, and who may end the wait. */
export type WaitOptions = { waitMs?: number; signal?: AbortSignal };

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
  /**
   * Takes in what its asker sealed for the engine, unread. The uri is the asker's, in the form of `writeKeptUri`.
   *
   * @throws BulwarkError QUEUE_URI_INVALID, RECORD_MALFORMED, and what `submit` throws
   */
  submitSealed(uri: string, data: Buffer, options?: DurableOptions): Promise<{ id: string }>;
  /** The result of a submitted request, `pending` while there is none yet. Throws RESULT_UNKNOWN, and what the engine failed with. */
  result(id: string, options?: WaitOptions): Promise<Inference | "pending">;
  /** The same, as the engine sealed it. */
  sealedResult(id: string, options?: WaitOptions): Promise<Buffer | "pending">;
  /** Takes a submitted request back, or removes its result. One that is being computed leaves a result that expires. */
  remove(id: string): Promise<void>;
  /** Orders every engine to load or unload a model; resolves to the order's id. */
  order: Orders["give"];
  /** The queue as it was seen last, at most about a second ago. */
  watch: Watch;
  close(): Promise<void>;
};

export type DurableParts = Omit<AskingParts, "intake" | "watch" | "timers"> & {
  /** For commands. */
  commands: Link;
  /** Of its own: it waits for answers. */
  reader: Link;
  limits: IntakeLimits;
  /** For requests without a deadline. */
  budgetMs: number;
  pause: (ms: number) => Promise<void>;
  /** The step of a trace that is under way, for the engine to go on with. */
  trace?: (() => string | undefined) | undefined;
  hear?: HearEngines | undefined;
  timers?: AskingParts["timers"] | undefined;
};

const UNTIMED: AskingParts["timers"] = { record: () => {}, time: (_, run) => run() };

/** Between two looks for a result that another gateway would hear of first. */
const FIRST_POLL_MS = 50;
const LAST_POLL_MS = 1_000;

/** Opens delivery through the queue on connections that the caller made. */
export function createDurable(parts: DurableParts): Durable {
  const { commands, reader, names, instance, keys, now, fillRandom, pause } = parts;
  const intake = createIntake(commands, names, parts.limits);
  const orders = openOrders({ link: commands, names, keys, fillRandom });
  const watch = watchQueue({ link: commands, names, hear: parts.hear });
  const { timers = UNTIMED } = parts;
  const asking = createAsking({ ...parts, intake, watch, timers });
  const bell: Bell = createBell();
  const onAnswer = (answer: Answer): void => {
    asking.answer(answer);
    bell.ring(answer.uri);
  };
  const answers = listenForAnswers({ reader, commands, names, instance, onAnswer, pause });
  const placeOf = (uri: string, model: string) => ({ stream: names.job, uri, model });

  const traced = (): { trace?: string } => {
    const trace = parts.trace?.();
    return trace === undefined ? {} : { trace };
  };

  const requireBudget = ({ deadline }: DurableOptions): number => {
    const budgetMs = (deadline ?? now() + parts.budgetMs) - now();
    if (budgetMs <= 0) throw expired();
    return budgetMs;
  };

  /** The kept result of a record as it lies in Redis. */
  const awaitValue = async (id: string, { waitMs = 0, signal }: WaitOptions): Promise<Buffer | "pending"> => {
    const { uri, receipt } = readTicket(id);
    const limit = now() + waitMs;
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(pauseMs * 1.5, LAST_POLL_MS)) {
      // First whether it is under way: between the two looks it may end, never begin.
      const isUnderWay = await intake.isThere(receipt);
      const value = await timers.time("redis.get", () => intake.readResult(uri));
      if (value !== undefined) return value;
      if (!isUnderWay) throw unknownResult(id);
      const left = limit - now();
      if (left <= 0 || signal?.aborted === true) return "pending";
      await bell.wait(uri, Math.min(pauseMs, left), signal);
    }
  };

  type Kept = { uri: string; model: string; budgetMs: number; priority: Priority | undefined };
  const admitKept = async (data: Buffer, { priority = "normal", ...of }: Kept): Promise<{ id: string }> => {
    const record = { ...of, priority, data, serde: SEALED, reply: instance, keep: true, ...traced() };
    return { id: writeTicket(await timers.time("redis.put", () => intake.admit(record))) };
  };

  const ask = (model: string, content: RequestContent, options: DurableOptions): Promise<Asked> => {
    const { isGone = () => false, priority = "normal", shared } = options;
    const deadline = now() + requireBudget(options);
    return asking.ask(model, content, { deadline, isGone, priority, shared, ...traced() });
  };

  return {
    async infer(model, version, inputs, options = {}) {
      const { result, ...told } = await ask(model, toContent(version, inputs, options), options);
      return { ...toInference(result), ...told };
    },

    async forward(model, record, options = {}) {
      const { result } = await ask(model, { kind: "older", ...record }, options);
      if (result.kind === "older") return String(result.value);
      throw toError(result);
    },

    async submit(model, version, inputs, options = {}) {
      const budgetMs = requireBudget(options);
      const uri = writeKeptUri(parts.makeId(), model);
      watch.check();
      const place = placeOf(uri, model);
      const { data } = sealRequest(toContent(version, inputs, options), { keys, place, fillRandom });
      return admitKept(data, { uri, model, budgetMs, priority: options.priority });
    },

    async submitSealed(uri, data, options = {}) {
      const budgetMs = requireBudget(options);
      const model = readKeptModel(uri);
      if (model === undefined) {
        throw new BulwarkError(
          "QUEUE_URI_INVALID",
          "A sealed request names itself otherwise.",
          "~UUID.BASE64URL-OF-MODEL",
        );
      }
      if (!isSealed(data)) {
        throw new BulwarkError("RECORD_MALFORMED", "The body is no sealed record.", "seal it, or send plain tensors");
      }
      watch.check();
      return admitKept(data, { uri, model, budgetMs, priority: options.priority });
    },

    async result(id, options = {}) {
      const { uri, model } = readTicket(id);
      const value = await awaitValue(id, options);
      return value === "pending" ? value : toInference(openValue(value, { keys, place: placeOf(uri, model) }));
    },

    sealedResult: (id, options = {}) => awaitValue(id, options),

    async remove(id) {
      const { uri, receipt } = readTicket(id);
      if (!(await intake.withdraw(receipt))) await intake.removeResult(uri);
    },

    async order(model, verb) {
      watch.check();
      return orders.give(model, verb);
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
const unknownResult = (id: string): BulwarkError =>
  new BulwarkError(
    "RESULT_UNKNOWN",
    `There is no result ${id.slice(0, 80)}, or not any more.`,
    "submit the request again",
  );
