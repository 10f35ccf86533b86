// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Inference } from "@bulwark/inference";
import { addStatistics, createQueuedStatistics } from "./queued-statistics.ts";

const version = { model: "m", version: "2" };

/** Statistics whose requests take so long each. */
function openAt(tookMs: number) {
  let now = 1_000;
  const statistics = createQueuedStatistics(() => now);
  const answer = (run?: Inference["run"]) => async (): Promise<Inference> => {
    now += tookMs;
    return { ...version, outputs: [], ...(run === undefined ? {} : { run }) };
  };
  return { statistics, answer };
}

test("what answers tell of their runs is summed, each request's part of a run alone", async () => {
  const { statistics, answer } = openAt(5);
  const run = { computeUs: 2_000, rows: 3, requests: 2 };
  const another = createQueuedStatistics(() => 0);
  await statistics.count(version, answer(run));
  await statistics.count(version, answer({ computeUs: 9_000, rows: 1, requests: 1 }));
  await another.count(version, async () => ({ ...version, outputs: [], run }));
  await statistics.count(undefined, answer());
  const [sums] = statistics.read("m", "2");
  assert.deepEqual(sums, {
    ...{ ...version, lastInference: 1_015, requests: 3, failures: 0, pending: 0 },
    // What a run took that nobody told of counts as waiting; and no more waiting than there was time.
    ...{ rows: 4, executions: 1.5, totalUs: 15_000, queueUs: 3_000 + 5_000, computeUs: 11_000 },
  });
  const [both] = addStatistics([...statistics.read(), ...another.read()]);
  assert.deepEqual([both?.requests, both?.executions, both?.rows], [4, 2, 7]);
  assert.deepEqual(statistics.read("m", "1"), []);
});

test("failures and what is under way count for a known version, other names for nothing", async () => {
  const { statistics } = openAt(0);
  const failing = Promise.withResolvers<Inference>();
  const asked = statistics.count(version, () => failing.promise);
  assert.equal(statistics.read()[0]?.pending, 1);
  failing.reject(new Error("x"));
  await assert.rejects(asked);
  assert.deepEqual([statistics.read()[0]?.pending, statistics.read()[0]?.failures], [0, 1]);
  await assert.rejects(statistics.count(undefined, () => Promise.reject(new Error("x"))));
  assert.equal(statistics.read().length, 1);
});
