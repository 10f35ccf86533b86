// SPDX-License-Identifier: Apache-2.0
// Callers that never stop asking, each of whom knows his answer.
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, toHttpStatus } from "../../packages/contracts/src/errors/index.ts";
import type { Client } from "../../packages/serving-client/src/index.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";

export type LoadCounts = {
  answered: number;
  /** Answered 503: not taken in, and asked again. */
  refused: number;
  /** Connections that broke before an answer, or before a request was known to be taken in; asked again. */
  broken: number;
  /** Answers with another caller's numbers. */
  wrong: number;
  /** Codes of requests that got no answer though they had been taken in. */
  lost: string[];
  slowestMs: number;
};

/** Asks a model once, in whatever way. */
export type Asker = {
  infer(
    model: string,
    version: undefined,
    inputs: readonly Tensor[],
    options: { deadline: number },
  ): Promise<{ outputs: readonly Tensor[] }>;
};

const COLUMNS = 4;
const UNAVAILABLE = 503;
/** The last one: no engine has a worker for it at this moment. */
const REFUSED: readonly string[] = ["QUEUE_UNREACHABLE", "QUEUE_FULL", "MODEL_NOT_READY"];
const BROKEN = "SERVING_UNREACHABLE";

/** A row that no other request has. */
export const makeRow = (number: number): Tensor => ({
  ...{ name: "x", datatype: "FP32", shape: [1, COLUMNS] },
  data: Float32Array.from({ length: COLUMNS }, (_, at) => number + at / 8),
});

/** Waits for each answer on its connection. */
export const askAndWait = (client: Client): Asker => ({
  infer: (model, _version, inputs, { deadline }) => client.infer(model, inputs, { timeoutMs: deadline - Date.now() }),
});

/**
 * Hands requests in and fetches their results later. What was once acknowledged is never handed in again: its result must
 * come, and be the same when it is fetched a second time.
 */
export const submitAndFetch = (client: Client): Asker => ({
  async infer(model, _version, inputs, { deadline }) {
    const left = (): number => deadline - Date.now();
    const id = await client.submit(model, inputs, { timeoutMs: left() });
    const first = await insist(() => client.result(id, { timeoutMs: left() }), deadline);
    const second = await insist(() => client.result(id, { timeoutMs: left() }), deadline);
    await client.remove(id).catch(() => {});
    return isSame(first.outputs, second.outputs) ? second : { outputs: [] };
  },
});

/** Asks again whatever breaks or is refused for the moment: what was acknowledged is owed. */
async function insist<Value>(ask: () => Promise<Value | undefined>, deadline: number): Promise<Value> {
  for (; Date.now() < deadline; await delay(20)) {
    const value = await ask().catch(rejectOwed);
    if (value !== undefined) return value;
  }
  throw new BulwarkError("SERVING_DEADLINE", "It was taken in and never answered", "none");
}

/** A connection may break, and Redis may be away; no other answer will do. */
function rejectOwed(error: unknown): undefined {
  if (!(error instanceof BulwarkError)) throw error;
  if (error.code === BROKEN || error.code === "QUEUE_UNREACHABLE") return;
  throw new BulwarkError("RESULT_UNKNOWN", `It was taken in and answered with ${error.code}`, "none", { cause: error });
}

const isRefusal = (error: BulwarkError): boolean => REFUSED.includes(error.code) && toHttpStatus(error) === UNAVAILABLE;

const isPassing = (error: unknown): boolean =>
  error instanceof BulwarkError && (error.code === BROKEN || isRefusal(error));

/** Keeps asking the model `echo` while something happens, and counts what became of every request. */
export async function askWhile(
  asked: Asker | readonly Asker[],
  { callers, limitMs = 30_000 }: { callers: number; limitMs?: number },
  act: (counts: Readonly<LoadCounts>) => Promise<void>,
): Promise<LoadCounts> {
  const askers = [asked].flat();
  const counts: LoadCounts = { answered: 0, refused: 0, broken: 0, wrong: 0, lost: [], slowestMs: 0 };
  let isOver = false;
  let next = 0;

  const ask = async (asker: Asker, row: Tensor): Promise<void> => {
    const startedAt = performance.now();
    try {
      const { outputs } = await asker.infer("echo", undefined, [row], { deadline: Date.now() + limitMs });
      counts.answered++;
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
      const isRight = outputs.length > 0 && outputs.every((output) => isSame([{ ...output, name: row.name }], [row]));
      if (!isRight) counts.wrong++;
    } catch (error) {
      if (!(error instanceof BulwarkError)) throw error;
      if (!isPassing(error)) {
        counts.lost.push(error.code);
        return;
      }
      counts[error.code === BROKEN ? "broken" : "refused"]++;
      await delay(20);
      await ask(asker, row);
    }
  };

  const caller = async (_: unknown, index: number): Promise<void> => {
    const asker = askers[index % askers.length] as Asker;
    while (!isOver) await ask(asker, makeRow(next++));
  };
  const all = Promise.all(Array.from({ length: callers }, caller));
  try {
    await act(counts);
  } finally {
    isOver = true;
    await all;
  }
  return counts;
}

/** Whether these are the same numbers under the same names. */
const isSame = (some: readonly Tensor[], others: readonly Tensor[]): boolean =>
  some.length === others.length &&
  some.every(({ name, data }, at) => {
    const other = others[at];
    return (
      other?.name === name && data.length === other.data.length && data.every((value, i) => value === other.data[i])
    );
  });
