// SPDX-License-Identifier: Apache-2.0
// Learns to tell three clouds of points apart, and writes what it learnt as an ONNX model.
// node examples/serving/make-model.ts OUT.onnx
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeOnnx } from "../../packages/inference/src/testing/onnx.ts";

const CENTRES = [
  [0, 2],
  [2, -1],
  [-2, -1],
] as const;
const POINTS = 300;
const ROUNDS = 400;
const STEP = 0.5;

/** Always the same numbers between -1 and 1. */
let state = 1;
function next(): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return state / 1_073_741_824 - 1;
}

const points = Array.from({ length: POINTS }, (_, at) => {
  const label = at % CENTRES.length;
  const [x, y] = CENTRES[label] ?? [0, 0];
  return { label, values: [x + next(), y + next(), 1] };
});

/** Softmax regression: weights of x, y and a constant for each cloud, by gradient descent. */
const weights = CENTRES.map(() => [0, 0, 0]);

function predict(values: readonly number[]): number[] {
  const scores = weights.map((row) => Math.exp(row.reduce((sum, weight, at) => sum + weight * (values[at] ?? 0), 0)));
  const total = scores.reduce((sum, score) => sum + score, 0);
  return scores.map((score) => score / total);
}

for (let round = 0; round < ROUNDS; round++) {
  const slopes = weights.map(() => [0, 0, 0]);
  for (const { label, values } of points) {
    for (const [cloud, probability] of predict(values).entries()) {
      const fault = probability - (cloud === label ? 1 : 0);
      for (const [at, value] of values.entries())
        (slopes[cloud] as number[])[at] = (slopes[cloud]?.[at] ?? 0) + fault * value;
    }
  }
  for (const [cloud, row] of weights.entries()) {
    for (const at of row.keys()) row[at] = (row[at] ?? 0) - (STEP * (slopes[cloud]?.[at] ?? 0)) / POINTS;
  }
}

const right = points.filter(({ label, values }) => {
  const probabilities = predict(values);
  return probabilities.indexOf(Math.max(...probabilities)) === label;
}).length;

const matrix = Float32Array.from([0, 1].flatMap((at) => weights.map((row) => row[at] ?? 0)));
const constants = Float32Array.from(weights, (row) => row[2] ?? 0);
const model = writeOnnx({
  inputs: [{ name: "point", type: "FP32", shape: ["points", 2] }],
  outputs: [{ name: "cloud", type: "FP32", shape: ["points", CENTRES.length] }],
  nodes: [
    { op: "Gemm", inputs: ["point", "weights", "constants"], outputs: ["scores"] },
    { op: "Softmax", inputs: ["scores"], outputs: ["cloud"] },
  ],
  constants: [
    { name: "weights", shape: [2, CENTRES.length], data: matrix },
    { name: "constants", shape: [CENTRES.length], data: constants },
  ],
});

const [path = "model.onnx"] = process.argv.slice(2);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, model);
process.stdout.write(`${path}: ${model.length} bytes, right for ${right} of ${POINTS} points\n`);
