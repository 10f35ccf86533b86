// SPDX-License-Identifier: Apache-2.0
// Records without Redis: the intake and the engine are played by the test.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import {
  createRandom,
  decodeRequest,
  encodeResult,
  type Intake,
  nameKeys,
  type RequestContent,
  type ResultContent,
  readDataKey,
  type Submission,
  seal,
  toRecordKeys,
  unseal,
} from "@bulwark/queue";
import type { Tensor } from "@bulwark/tensors";
import fc from "fast-check";
import { type Asked, type AskOptions, createAsking } from "./ask.ts";
import type { Watch } from "./watch.ts";

const names = nameKeys("job");
const keys = toRecordKeys({ id: "k", current: 1, versions: [{ version: 1, key: randomBytes(32).toString("base64") }] });
const fillRandom = createRandom();
const column = (values: readonly number[]): Tensor => ({
  ...{ name: "x", datatype: "FP32", shape: [values.length, 1], data: Float32Array.from(values) },
});

type Options = Partial<Omit<AskOptions, "shared">> & { maxRows?: number; outputs?: string[] };

/** A gateway's side, and what it sent, until the test is over. Admissions are answered one by one where `admits` is false. */
function open(t: TestContext, { admits = true }: { admits?: boolean } = {}) {
  let isOver = false;
  t.after(() => {
    isOver = true;
  });
  const sent: Submission[] = [];
  const withdrawn: string[] = [];
  const held: (() => void)[] = [];
  const intake: Pick<Intake, "admit" | "withdraw"> = {
    async admit(submission) {
      sent.push(submission);
      if (!admits) await new Promise<void>((resolve) => held.push(resolve));
      return { id: `${sent.length}-0`, priority: submission.priority, uri: submission.uri };
    },
    withdraw: async ({ uri }) => withdrawn.push(uri) > 0,
  };
  const late = new BulwarkError("SERVING_DEADLINE", "late", "none");
  const watch: Pick<Watch, "check" | "explainSilence"> = { check: () => {}, explainSilence: () => late };
  const clock = { at: 0 };
  let made = 0;
  const asking = createAsking({
    ...{ intake: intake as Intake, watch: watch as Watch, names, keys, fillRandom, instance: "i", now: () => clock.at },
    ...{ makeId: () => `uri-${++made}`, timers: { record: () => {}, time: (_, run) => run() } },
  });
  const ask = (values: readonly number[], { maxRows = 8, outputs, ...also }: Options = {}): Promise<Asked> => {
    const inputs = [column(values)];
    const content: RequestContent = { kind: "tensors", inputs, ...(outputs === undefined ? {} : { outputs }) };
    const shared = maxRows > 1 ? { inputs, rows: values.length, key: "", maxRows } : undefined;
    return asking.ask("m", content, { deadline: 1e6, isGone: () => isOver, priority: "normal", shared, ...also });
  };
  const read = ({ uri, data }: Submission): readonly number[] => {
    const place = { stream: names.job, uri, model: "m" };
    const bytes = Buffer.from(data);
    const content = decodeRequest(unseal(readDataKey(keys, bytes, place), bytes, ["request", place]));
    const [input] = content.kind === "tensors" ? content.inputs : [];
    return [...((input ?? assert.fail(content.kind)).data as Float32Array)];
  };
  /** Answers a record as an engine that doubles. */
  const answer = (submission: Submission, given?: ResultContent | ErrorCode, isSpoiled = false): void => {
    const place = { stream: names.job, uri: submission.uri, model: "m" };
    const failure = (code: ErrorCode) => ({ kind: "failure", code, message: "", mend: "" }) as const;
    const outputs = [column(read(submission).map((value) => value * 2))];
    const right = { kind: "tensors", model: "m", version: "1", outputs } as const;
    const result = typeof given === "string" ? failure(given) : (given ?? right);
    const dataKey = readDataKey(keys, Buffer.from(submission.data), place);
    const value = seal(dataKey, encodeResult(result), ["result", place], fillRandom);
    if (isSpoiled) value.writeUInt8((value.at(-1) ?? 0) ^ 1, value.length - 1);
    asking.answer({ uri: submission.uri, value, run: { computeUs: 7, rows: 9, requests: 2 } });
  };
  return { ask, answer, read, sent, withdrawn, held, clock };
}

const valuesOf = ({ result }: Asked): number[] => {
  const [output] = result.kind === "tensors" ? result.outputs : [];
  return [...((output ?? assert.fail(result.kind)).data as Float32Array)];
};

const codeOf = (asked: Promise<Asked>): Promise<string> =>
  asked.then(
    ({ result }) => (result.kind === "failure" ? result.code : "answered"),
    (error) => error.code,
  );

test("requests of one turn share a record, and each gets its own rows and its share of the run", async (t) => {
  const { ask, answer, sent } = open(t);
  const asked = [ask([1]), ask([2, 3]), ask([4])];
  await turn();
  assert.deepEqual(
    sent.map(({ requests }) => requests),
    [3],
  );
  for (const submission of sent) answer(submission);
  const got = await Promise.all(asked);
  assert.deepEqual(got.map(valuesOf), [[2], [4, 6], [8]]);
  assert.deepEqual(
    got.map(({ run }) => run),
    [1, 2, 1].map((rows) => ({ computeUs: 7, rows, requests: 6 })),
  );
});

test("what cannot share a run goes in a record of its own: other outputs, priorities, traces, models of one row", async (t) => {
  const { ask, sent } = open(t);
  const options: Options[] = [{}, {}, { outputs: ["y"] }, { priority: "high" }, { trace: "00-1" }, { maxRows: 1 }];
  for (const [at, one] of options.entries()) ask([at], one).catch(() => {});
  await turn();
  assert.deepEqual(sent.map(({ requests }) => requests).toSorted(), [1, 1, 1, 1, 2]);
  assert.deepEqual(
    sent.flatMap(({ trace = [] }) => trace),
    ["00-1"],
  );
});

test("while a record is on its way to the queue, those that come wait for the next, as many rows as fit", async (t) => {
  const { ask, answer, sent, held } = open(t, { admits: false });
  const asked = [[1]].map((values) => ask(values));
  await turn();
  for (const values of [[2, 3, 4], [5, 6, 7], [8, 9, 10], [11]]) asked.push(ask(values));
  await turn();
  assert.equal(sent.length, 1);
  const limit = Date.now() + 5_000;
  while (sent.length < 3) {
    assert.ok(Date.now() < limit);
    held.shift()?.();
    await turn();
  }
  assert.deepEqual(
    sent.map(({ requests }) => requests),
    [1, 2, 2],
  );
  for (const submission of sent) answer(submission);
  assert.deepEqual((await Promise.all(asked)).map(valuesOf), [[2], [4, 6, 8], [10, 12, 14], [16, 18, 20], [22]]);
});

test("what comes shortly after a record of several waits for what comes next; what comes after one alone does not", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { ask, sent } = open(t);
  const countsAfter = async (values: number[]): Promise<(number | undefined)[]> => {
    for (const value of values) ask([value]).catch(() => {});
    await turn();
    await turn();
    return sent.map(({ requests }) => requests);
  };
  assert.deepEqual(await countsAfter([1]), [1]);
  assert.deepEqual(await countsAfter([2, 3]), [1, 2]);
  assert.deepEqual(await countsAfter([4]), [1, 2]);
  assert.deepEqual(await countsAfter([5]), [1, 2]);
  t.mock.timers.tick(4);
  assert.deepEqual(await countsAfter([]), [1, 2, 2]);
  t.mock.timers.tick(4);
  assert.deepEqual(await countsAfter([6]), [1, 2, 2, 1]);
  assert.deepEqual(await countsAfter([7]), [1, 2, 2, 1, 1]);
});

test("where a shared record fails, each request is sent alone, and only the one at fault fails", async (t) => {
  const { ask, answer, read, sent } = open(t);
  const asked = [ask([1]), ask([2]), ask([3])];
  await turn();
  answer(sent[0] ?? assert.fail(), "MODEL_FAILED");
  await turn();
  assert.deepEqual(
    sent.slice(1).map((submission) => read(submission)),
    [[1], [2], [3]],
  );
  for (const submission of sent.slice(1)) answer(submission, read(submission)[0] === 2 ? "MODEL_FAILED" : undefined);
  assert.deepEqual(await Promise.all(asked.map(codeOf)), ["answered", "MODEL_FAILED", "answered"]);
  assert.equal(sent.length, 4);
});

test("nobody gets rows of another where a model gives fewer, or the answer was tampered with", async (t) => {
  for (const spoil of ["rows", "bytes"]) {
    const { ask, answer, sent } = open(t);
    const asked = [ask([1]), ask([2])];
    await turn();
    const [shared] = sent as [Submission];
    if (spoil === "rows") answer(shared, { kind: "tensors", model: "m", version: "1", outputs: [column([2])] });
    else answer(shared, undefined, true);
    await turn();
    for (const submission of sent.slice(1)) answer(submission);
    assert.deepEqual((await Promise.all(asked)).map(valuesOf), [[2], [4]], spoil);
  }
});

test("each has its own deadline; a record is taken back when nobody waits for it any more", async (t) => {
  const { ask, sent, withdrawn, clock } = open(t);
  let isGone = false;
  const asked = [ask([1], { deadline: 10 }), ask([2], { deadline: 1000, isGone: () => isGone })];
  await turn();
  assert.deepEqual(
    sent.map(({ requests, budgetMs }) => [requests, budgetMs]),
    [[2, 1000]],
  );
  clock.at = 10;
  assert.equal(await codeOf(asked[0] ?? assert.fail()), "SERVING_DEADLINE");
  assert.deepEqual(withdrawn, []);
  isGone = true;
  assert.equal(await codeOf(asked[1] ?? assert.fail()), "SERVING_CANCELLED");
  assert.deepEqual(withdrawn, ["uri-1"]);
});

test("any interleaving gives each caller his own answer", async (t) => {
  const step = fc.oneof(
    fc.record({ ask: fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 5 }) }),
    fc.record({ turn: fc.constant(true) }),
    fc.record({ answer: fc.nat(), fails: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { ask, answer, sent } = open(t);
      const asked: { values: number[]; got: Promise<Asked> }[] = [];
      const answered = new Set<Submission>();
      const answerOne = (submission: Submission | undefined, fails: boolean): void => {
        if (submission === undefined || answered.has(submission)) return;
        answered.add(submission);
        answer(submission, fails && (submission.requests ?? 1) > 1 ? "MODEL_FAILED" : undefined);
      };
      for (const one of steps) {
        if ("ask" in one) asked.push({ values: one.ask, got: ask(one.ask) });
        else if ("turn" in one) await turn();
        else answerOne(sent[one.answer % Math.max(1, sent.length)], one.fails);
      }
      let settled = 0;
      for (const { got } of asked) got.then(() => settled++).catch(() => {});
      for (const limit = Date.now() + 5_000; settled < asked.length; await turn()) {
        assert.ok(Date.now() < limit);
        for (const submission of [...sent]) answerOne(submission, false);
      }
      for (const { values, got } of asked) {
        assert.deepEqual(
          valuesOf(await got),
          values.map((value) => value * 2),
        );
      }
    }),
  );
});
