// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Tensor, toTensor } from "@bulwark/tensors";
import fc from "fast-check";
import { findSettingsFaults } from "../read-settings.ts";
import { generateTokens, type Step } from "./generate.ts";
import { makePlan } from "./plan.ts";
import { chooseToken, readSampling, type Sampling } from "./sampling.ts";

const signature = {
  inputs: [
    { name: "ids", datatype: "INT32", shape: [-1] },
    { name: "text", datatype: "BYTES", shape: [1] },
  ],
  outputs: [
    { name: "scores", datatype: "FP32", shape: [-1, 4] },
    { name: "words", datatype: "BYTES", shape: [1] },
  ],
} as const;
const GREEDY: Sampling = { temperature: 0, topK: 0, topP: 1, seed: undefined, maxTokens: 100 };
const scoresOf = (...scores: number[]) => toTensor("scores", "FP32", [1, scores.length], Float32Array.from(scores));
const prompt = toTensor("ids", "INT32", [2], new Int32Array([1, 2]));

async function run(step: Step, inputs: readonly Tensor[] = [prompt], sampling: Partial<Sampling> = {}) {
  const plan = makePlan({ tokens: "ids", next: "scores", end: [3], maxTokens: 5 }, signature);
  const tokens = [];
  const generation = { plan, inputs, sampling: { ...GREEDY, ...sampling }, random: Math.random };
  for await (const generated of generateTokens(step, generation)) tokens.push(generated);
  return tokens;
}

test("each step is given the whole sequence, until a token ends it or there are enough", async () => {
  const seen: unknown[] = [];
  const step: Step = async ([input], outputs) => {
    seen.push([...((input?.data ?? []) as Int32Array)], outputs);
    const next = (Number(input?.data.at(-1)) + 1) % 4;
    return [scoresOf(...[0, 1, 2, 3].map((token) => (token === next ? 1 : 0)))];
  };
  assert.deepEqual(await run(step), [{ token: 3, end: "end" }]);
  assert.deepEqual(seen, [[1, 2], ["scores"]]);
  const zeros = toTensor("ids", "INT32", [1], new Int32Array([3]));
  assert.deepEqual(await run(step, [zeros], { maxTokens: 2 }), [
    { token: 0, end: undefined },
    { token: 1, end: "length" },
  ]);
});

test("a step is computed when its token is asked for, not before", async () => {
  let steps = 0;
  const plan = makePlan({ tokens: "ids", next: "scores" }, signature);
  const step: Step = async () => {
    steps++;
    return [scoresOf(1, 0)];
  };
  const tokens = generateTokens(step, { plan, inputs: [prompt], sampling: GREEDY, random: Math.random });
  assert.equal(steps, 0);
  await tokens.next();
  await tokens.next();
  assert.equal(steps, 2);
  await tokens.return();
});

for (const [what, code, inputs, scores] of [
  ["no tokens", "TENSOR_MISSING", [], scoresOf(1)],
  ["an empty sequence", "TENSOR_SHAPE", [toTensor("ids", "INT32", [0], new Int32Array(0))], scoresOf(1)],
  ["two sequences", "TENSOR_SHAPE", [toTensor("ids", "INT32", [2, 1], new Int32Array(2))], scoresOf(1)],
  ["scores that are no numbers", "MODEL_FAILED", [prompt], scoresOf(Number.NaN, Number.NaN)],
  ["no scores", "MODEL_FAILED", [prompt], toTensor("scores", "FP32", [0], new Float32Array(0))],
] as const) {
  test(`refused with a code: ${what}`, async () => {
    await assert.rejects(
      run(async () => [scores], inputs),
      { code },
    );
  });
}

for (const settings of [
  { tokens: "no", next: "scores" },
  { tokens: "text", next: "scores" },
  { tokens: "ids", next: "no" },
  { tokens: "ids", next: "words" },
  { tokens: "ids", next: "scores", state: { no: "ids" } },
  { tokens: "ids", next: "scores", mask: "text" },
]) {
  test(`a model that has not what its settings name: ${JSON.stringify(settings)}`, () => {
    assert.throws(() => makePlan(settings, signature), { code: "SERVING_UNSUPPORTED" });
  });
}

for (const stream of [
  {},
  { tokens: "a" },
  { tokens: "a", next: 1 },
  { tokens: "a", next: "b", end: [-1] },
  { tokens: "a", next: "b", more: 1 },
]) {
  test(`settings are refused: ${JSON.stringify(stream)}`, () => {
    assert.equal(findSettingsFaults({ m: { stream } }).length, 1);
  });
}

test("the same seed chooses the same, and only among the likeliest", () => {
  const scores = fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: 1, maxLength: 20 });
  const random = () => 0.999999;
  fc.assert(
    fc.property(
      scores,
      fc.integer({ min: 1, max: 20 }),
      fc.double({ min: 0.01, max: 5, noNaN: true }),
      (given, topK, temperature) => {
        const token = chooseToken(scoresOf(...given), { ...GREEDY, topK, temperature }, random);
        const better = given.filter((score) => score > (given[token] ?? 0)).length;
        assert.ok(better < topK, `${better} are likelier`);
        const likeliest = chooseToken(scoresOf(...given), GREEDY, random);
        assert.equal(given[likeliest], Math.max(...given));
      },
    ),
  );
});

test("top_p leaves the fewest of the likeliest that reach it, of those that top_k leaves, and their ratio", () => {
  const probabilities = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 });
  const shares = fc.integer({ min: 1, max: 99 });
  const property = fc.property(probabilities, shares, fc.integer({ min: 0, max: 12 }), (weights, percent, topK) => {
    const scores = scoresOf(...weights.map(Math.log));
    const topP = percent / 100;
    const draws = 400;
    const counts = new Map<number, number>();
    for (let at = 0; at < draws; at++) {
      const token = chooseToken(scores, { ...GREEDY, temperature: 1, topK, topP }, () => (at + 0.5) / draws);
      counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    const kept = weights.toSorted((a, b) => b - a).slice(0, topK === 0 ? weights.length : topK);
    const total = kept.reduce((sum, weight) => sum + weight, 0);
    const reach = (count: number): number => kept.slice(0, count).reduce((sum, weight) => sum + weight, 0) / total;
    const least = kept.findIndex((_, at) => reach(at + 1) >= topP) + 1;
    // Where a sum meets the share to the last digit, rounding may decide.
    fc.pre(Math.abs(reach(least) - topP) > 1e-5 && Math.abs(reach(least - 1) - topP) > 1e-5);
    const nucleus = kept.slice(0, least);
    const chosen = [...counts.keys()].map((token) => weights[token] ?? 0);
    assert.ok(chosen.length <= least);
    assert.ok(chosen.every((weight) => weight >= (nucleus.at(-1) ?? 0)));
    const sum = nucleus.reduce((all, weight) => all + weight, 0);
    for (const [token, count] of counts) {
      assert.ok(Math.abs(count / draws - (weights[token] ?? 0) / sum) <= 2 / draws, `${weights} ${topP} ${topK}`);
    }
    // Each of them is reached where its share is more than a draw.
    const large = nucleus.filter((weight) => weight / sum > 2 / draws).length;
    assert.ok(chosen.length >= large);
  });
  fc.assert(property);
});

test("tokens are chosen as often as their scores say", () => {
  const counts = [0, 0, 0];
  for (let at = 0; at < 1000; at++) {
    const scores = scoresOf(Math.log(0.7), Math.log(0.3), Number.NEGATIVE_INFINITY);
    const token = chooseToken(scores, { ...GREEDY, temperature: 1 }, () => at / 1000);
    counts[token] = (counts[token] ?? 0) + 1;
  }
  assert.ok(Math.abs((counts[0] ?? 0) - 700) <= 1 && counts[2] === 0, String(counts));
});

for (const parameters of [
  { temperature: -1 },
  { temperature: "hot" },
  { top_k: 1.5 },
  { top_p: 0 },
  { top_p: 1.1 },
  { seed: -1 },
  { max_tokens: 0 },
  { max_tokens: 11 },
]) {
  test(`parameters are refused: ${JSON.stringify(parameters)}`, () => {
    assert.throws(
      () => readSampling(parameters, 10),
      (error) => error instanceof BulwarkError && error.code === "SERVING_REQUEST",
    );
  });
}
