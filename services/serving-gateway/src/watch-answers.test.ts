// SPDX-License-Identifier: Apache-2.0
// Models that fall silent after they were ready. The engine is a double, since silence has to be had on demand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { createAnnouncedCatalog, type Engine } from "@bulwark/inference";
import type { Gateway } from "./gateway.ts";
import { joinModels } from "./models.ts";
import { createQueuedStatistics } from "./queued-statistics.ts";
import { createSilentModels } from "./silent-models.ts";
import { createTimers } from "./timers.ts";
import { watchAnswers } from "./watch-answers.ts";

test("of a model that nobody has, the names of all are told, wherever they are computed", () => {
  const unknown = (known: string) => () => {
    throw new BulwarkError("MODEL_UNKNOWN", "none", known);
  };
  const [here, elsewhere] = ["here", "elsewhere"].map((model) => ({
    list: () => [{ model, version: "1", state: "READY", labels: [] }],
    describe: unknown(model),
  }));
  const models = joinModels({
    ...{ engine: here as unknown as Engine, announced: elsewhere as never, isQueued: () => false, order: undefined },
    ...{ queued: createQueuedStatistics(() => 0), silent: createSilentModels() },
  });
  const isNamed = ({ code, mend }: BulwarkError): boolean => code === "MODEL_UNKNOWN" && /here.*elsewhere/.test(mend);
  assert.throws(() => models.describe("m"), isNamed);
  assert.ok(isNamed(models.withNames(new BulwarkError("MODEL_UNKNOWN", "none", "none"), "m") as BulwarkError));
});

const x = { name: "x", datatype: "FP32" as const, shape: [-1] };

function open(isQueued = (_model: string): boolean => false) {
  const clock = { ms: 1_000 };
  const state = { code: undefined as ErrorCode | undefined, asked: 0, lastInference: 0 };
  const now = (): number => clock.ms;
  const compute = async () => {
    state.asked++;
    if (state.code !== undefined) throw new BulwarkError(state.code, "as the test wants", "none");
    state.lastInference = now();
    return { model: "m", version: "1", outputs: [] };
  };
  const engine = {
    infer: compute,
    list: () => (isQueued("m") ? [] : [{ model: "m", version: "1", state: "READY", labels: [] }]),
    describe: () => ({ version: "1", inputs: [x], outputs: [x] }),
    isReady: () => true,
    load: async () => {},
    unload: async () => {},
    statistics: () => [{ model: "m", version: "1", lastInference: state.lastInference }],
  } as unknown as Engine;
  const announced = createAnnouncedCatalog(isQueued);
  if (isQueued("m")) {
    const described = { version: "1", inputs: [x], outputs: [x] };
    announced.hear([[{ model: "m", version: "1", state: "READY", labels: [], described }]]);
  }
  const silent = createSilentModels();
  const queued = createQueuedStatistics(now);
  const models = joinModels({
    ...{ engine, queued, silent, isQueued, order: undefined },
    announced: isQueued("m") ? announced : undefined,
  });
  const gateway = {
    ...{ config: { delivery: { "*": isQueued("m") ? "durable" : "direct" } }, models, engine, queued, now },
    ...{ timers: createTimers(now), retryAfter: { done: () => {} }, split: () => undefined },
    durable: { infer: compute },
  } as unknown as Gateway;
  const pauses: { ms: number; end(): void }[] = [];
  const reports: string[] = [];
  const watch = watchAnswers({
    ...{ gateway, silent, periodMs: 10_000, random: () => 0.75, report: (event) => void reports.push(event) },
    pause(ms, signal) {
      const { promise, resolve } = Promise.withResolvers<void>();
      pauses.push({ ms, end: resolve });
      signal.addEventListener("abort", () => resolve());
      return promise;
    },
  });
  /** Lets the pause under way pass; resolves when the next begins. Gives how long it was to be. */
  const pass = async (): Promise<number> => {
    const pause = pauses.shift() ?? assert.fail("no pause");
    clock.ms += pause.ms;
    pause.end();
    for (let turns = 0; pauses.length === 0; turns++) {
      assert.ok(turns < 1_000, "in time");
      await turn();
    }
    return pause.ms;
  };
  return { state, models, watch, pass, reports, clock };
}

test("a model that falls silent is not ready after two looks, and is again once it answers", async (context) => {
  const { state, models, watch, pass, reports } = open();
  context.after(() => watch.close());
  assert.equal(await pass(), 11_000, "the period, with its jitter");
  assert.deepEqual([models.isReady(), models.isReady("m"), state.asked], [true, true, 1]);
  state.code = "SERVING_DEADLINE";
  await pass();
  assert.equal(models.isReady("m"), true, "one failure says nothing yet");
  assert.equal(await pass(), 1_000);
  assert.deepEqual([models.isReady("m", "1"), models.isReady("m"), models.isReady()], [false, false, false]);
  assert.partialDeepStrictEqual(models.list(), [
    { state: "UNAVAILABLE", reason: "it does not answer: SERVING_DEADLINE" },
  ]);
  state.code = undefined;
  assert.ok((await pass()) < 1_500, "what failed is looked at more often");
  assert.deepEqual([models.isReady(), models.isReady("m")], [true, true]);
  assert.deepEqual(reports, ["model does not answer", "model answers again"]);
});

test("a model that answers others is not asked, and one that is busy is not silent", async (context) => {
  const { state, models, watch, pass, clock } = open();
  context.after(() => watch.close());
  await pass();
  state.lastInference = clock.ms + 1;
  const asked = state.asked;
  state.code = "ENGINE_LOST";
  await pass();
  assert.equal(state.asked, asked);
  state.code = "ENGINE_BUSY";
  await pass();
  await pass();
  assert.deepEqual([models.isReady("m"), state.asked > asked], [true, true]);
});

test("a silent model behind the queue is not ready, and its gateway stays", async (context) => {
  const { state, models, watch, pass } = open(() => true);
  context.after(() => watch.close());
  state.code = "ENGINE_ABSENT";
  await pass();
  await pass();
  assert.deepEqual([models.isReady("m"), models.isReady()], [false, true]);
});

test("what a canary says of a model that was unloaded meanwhile says nothing of the one loaded since", async (context) => {
  const { state, models, watch, pass, reports } = open();
  context.after(() => watch.close());
  state.code = "MODEL_NOT_READY";
  await pass();
  await models.unload("m");
  await models.load("m");
  assert.equal(await pass(), 1_000, "the second look of the first one");
  assert.deepEqual([models.isReady("m"), reports], [true, []]);
  await pass();
  await pass();
  assert.equal(models.isReady("m"), false);
  await models.load("m");
  assert.equal(models.isReady("m"), true, "nothing is known of what was loaded anew");
});
