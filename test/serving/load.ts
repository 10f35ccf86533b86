// SPDX-License-Identifier: Apache-2.0
// Callers that never stop asking, each of whom knows his answer.
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, toHttpStatus } from "../../packages/contracts/src/errors/index.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import type { Durable } from "../../services/serving-gateway/src/durable/index.ts";

export type LoadCounts = {
  answered: number;
  /** Answered 503: not taken in, and asked again. */
  refused: number;
  /** Answers with another caller's numbers. */
  wrong: number;
  /** Codes of requests that got no answer though they had been taken in. */
  lost: string[];
  slowestMs: number;
};

const COLUMNS = 4;
const UNAVAILABLE = 503;
const REFUSED: readonly string[] = ["QUEUE_UNREACHABLE", "QUEUE_FULL"];

/** A row that no other request has. */
export const makeRow = (number: number): Tensor => ({
  ...{ name: "x", datatype: "FP32", shape: [1, COLUMNS] },
  data: Float32Array.from({ length: COLUMNS }, (_, at) => number + at / 8),
});

/** Keeps asking the model `echo` while something happens, and counts what became of every request. */
export async function askWhile(
  durable: Durable,
  { callers, limitMs = 30_000 }: { callers: number; limitMs?: number },
  act: (counts: Readonly<LoadCounts>) => Promise<void>,
): Promise<LoadCounts> {
  const counts: LoadCounts = { answered: 0, refused: 0, wrong: 0, lost: [], slowestMs: 0 };
  let isOver = false;
  let next = 0;

  const ask = async (row: Tensor): Promise<void> => {
    const startedAt = performance.now();
    try {
      const { outputs } = await durable.infer("echo", undefined, [row], { deadline: Date.now() + limitMs });
      counts.answered++;
      counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
      if (!outputs.every(({ data }) => isSame(data as Float32Array, row.data as Float32Array))) counts.wrong++;
    } catch (error) {
      if (!(error instanceof BulwarkError)) throw error;
      if (!REFUSED.includes(error.code) || toHttpStatus(error) !== UNAVAILABLE) {
        counts.lost.push(error.code);
        return;
      }
      counts.refused++;
      await delay(20);
      await ask(row);
    }
  };

  const caller = async (): Promise<void> => {
    while (!isOver) await ask(makeRow(next++));
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

const isSame = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, at) => value === b[at]);
