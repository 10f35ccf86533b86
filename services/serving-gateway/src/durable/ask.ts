// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { joinRows, type Shared, splitRows } from "@bulwark/inference";
import {
  type Answer,
  createPending,
  type DataKey,
  type FillRandom,
  type Intake,
  type Names,
  type Priority,
  type Receipt,
  type RecordKeys,
  type RequestContent,
  type ResultContent,
  type RunShare,
  SEALED,
} from "@bulwark/queue";
import type { Timers } from "../timers.ts";
import { createGathering } from "./gather.ts";
import { openValue, sealRequest } from "./sealed.ts";
import { createWaiting, type Limits, type Seat } from "./waiting.ts";
import type { Watch } from "./watch.ts";

/** What came back for a request. */
export type Asked = { readonly result: ResultContent; readonly run?: RunShare };

export type AskOptions = Limits & {
  readonly priority: Priority;
  /** How it may share a record with others; absent for one that goes alone. */
  readonly shared?: Shared | undefined;
  /** The step of a trace that waits for it. */
  readonly trace?: string | undefined;
};

/** Requests that wait for the answer to a record. */
export type Asking = {
  /**
   * Sends a request through the queue and waits. Throws QUEUE_FULL, QUEUE_UNREACHABLE, ENGINE_ABSENT, SERVING_DEADLINE,
   * SERVING_CANCELLED, RECORD_TAMPERED, RECORD_KEY_UNKNOWN, RECORD_MALFORMED.
   */
  ask(model: string, content: RequestContent, options: AskOptions): Promise<Asked>;
  /** Hands an answer to those who wait for its record. */
  answer(answer: Answer): void;
};

export type AskingParts = {
  intake: Intake;
  names: Names;
  /** Names this process's channel of answers; no two have the same. */
  instance: string;
  keys: RecordKeys;
  watch: Watch;
  now: () => number;
  makeId: () => string;
  fillRandom: FillRandom;
  timers: Pick<Timers, "record" | "time">;
};

type Request = AskOptions & {
  readonly model: string;
  readonly content: RequestContent;
  readonly seat: Seat<Asked>;
  /** The record that it is in now. */
  record?: Sent;
};

/** Those of one record: one at least. */
type Requests = readonly [Request, ...Request[]];

/** A record that was sent, or is on its way. */
type Sent = {
  readonly uri: string;
  readonly requests: Requests;
  readonly dataKey: DataKey;
  receipt?: Receipt;
  admittedAt?: number;
};

/**
 * Requests of one version that are there at the same time share a record, as they share a run in an engine: what a record costs
 * (its key, its way through Redis and back) is paid once for all of them. Each has its own deadline, and gets its own rows. Where a record of
 * several fails, each is sent alone, so that none suffers for another (ADR 0029).
 */
export function createAsking(parts: AskingParts): Asking {
  const { intake, names, watch, now, timers } = parts;
  const waiting = createWaiting<Asked>(now);
  const records = createPending<Sent>();

  /** Nobody waits for it any more: where no engine has it yet, none will. */
  const withdrawUnawaited = ({ uri, requests, receipt }: Sent): void => {
    const isAwaited = requests.some(({ seat }) => !seat.isOver());
    if (isAwaited || receipt === undefined || records.get(uri) === undefined) return;
    records.delete(uri);
    intake.withdraw(receipt).catch(() => {});
  };

  /** Sends requests in one record; resolves when it was taken in, or refused. */
  const send = async (requests: Requests): Promise<void> => {
    const [{ model, priority, trace }] = requests;
    const uri = parts.makeId();
    try {
      const place = { stream: names.job, uri, model };
      const { data, dataKey } = sealRequest(toContent(requests), { ...parts, place });
      const sent: Sent = { uri, requests, dataKey };
      for (const request of requests) request.record = sent;
      records.set(uri, sent);
      const budgetMs = Math.max(...requests.map(({ deadline }) => deadline)) - now();
      const record = { uri, model, priority, budgetMs, data, serde: SEALED, reply: parts.instance };
      const traced = trace === undefined ? {} : { trace };
      const count = requests.length;
      sent.receipt = await timers.time("redis.put", () => intake.admit({ ...record, ...traced, requests: count }));
      sent.admittedAt = now();
      withdrawUnawaited(sent);
    } catch (error) {
      records.delete(uri);
      for (const { seat } of requests) seat.fail(error);
    }
  };
  const gather = createGathering(send);

  const open = ({ uri, requests: [{ model }], dataKey }: Sent, value: Buffer): ResultContent =>
    openValue(value, { dataKey, place: { stream: names.job, uri, model } });

  const sendEach = (requests: readonly Request[]): void => {
    for (const request of requests) if (!request.seat.isOver()) void send([request]);
  };

  return {
    async ask(model, content, options) {
      const { deadline, isGone, shared, trace } = options;
      if (isGone()) throw cancelled();
      watch.check();
      const budgetMs = deadline - now();
      const request: Request = { ...options, model, content, seat: waiting.open({ deadline, isGone }) };
      // The steps of a trace are those of one request.
      if (shared === undefined || trace !== undefined) void send([request]);
      else gather(request, shared);
      const end = await request.seat.ended;
      if (typeof end !== "string") return end;
      const { record } = request;
      if (record !== undefined) withdrawUnawaited(record);
      if (end === "gone") throw cancelled();
      throw watch.explainSilence({ wasAdmitted: record?.receipt !== undefined, budgetMs });
    },

    answer({ uri, value, run }) {
      const sent = records.get(uri);
      if (sent === undefined) return;
      records.delete(uri);
      const { admittedAt = now() } = sent;
      timers.record("redis.wait", now() - admittedAt);
      try {
        const parted = partResult(open(sent, value), { ...sent, run });
        if (parted === undefined) return sendEach(sent.requests);
        for (const [at, { seat }] of sent.requests.entries()) seat.give(parted[at] as Asked);
      } catch (error) {
        if (sent.requests.length > 1) return sendEach(sent.requests);
        sent.requests[0].seat.fail(error);
      }
    },
  };
}

/** What is sealed: a request as it is, or the rows of several under each other. */
function toContent(requests: Requests): RequestContent {
  const [{ content }] = requests;
  if (requests.length === 1 || content.kind !== "tensors") return content;
  return { ...content, inputs: joinRows(requests.map(({ shared }) => shared?.inputs ?? [])) };
}

/** To each request its own; undefined where several share a failure, or outputs that are not by rows. */
function partResult(
  result: ResultContent,
  { requests, run }: { requests: readonly Request[]; run: RunShare | undefined },
): Asked[] | undefined {
  if (requests.length === 1) return [{ result, ...(run === undefined ? {} : { run }) }];
  if (result.kind !== "tensors") return undefined;
  const rows = requests.map(({ shared }) => shared?.rows ?? 1);
  return splitRows(result.outputs, rows)?.map((outputs, at) => {
    const own = run && { run: { ...run, rows: rows[at] ?? 1, requests: run.requests * requests.length } };
    return { result: { ...result, outputs }, ...own };
  });
}

const cancelled = (): BulwarkError =>
  new BulwarkError("SERVING_CANCELLED", "The caller went away before the result was there.", "ask again");
