// SPDX-License-Identifier: Apache-2.0
// Every sample model that the Python package `onnx` carries: the engine's answer for one request is ONNX Runtime's own,
// bit for bit.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createEngine } from "../../packages/inference/src/create-engine.ts";
import { openFile } from "../../packages/inference/src/repository.ts";
import { DEFAULT_SETTINGS } from "../../packages/inference/src/settings.ts";
import { makeInput } from "../../packages/inference/src/worker/rowwise.ts";
import { openSession } from "../../packages/inference/src/worker/session.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import { fetchOnnxSamples, ONNX_PACKAGE_VERSION, ONNX_SAMPLES } from "./onnx-package.ts";

async function listModels(): Promise<string[]> {
  const files = await readdir(ONNX_SAMPLES, { recursive: true });
  return files.filter((file) => file.endsWith(".onnx")).toSorted();
}

const isThere = await fetchOnnxSamples();
const models = isThere ? await listModels() : [];

test("the sample models were found", { skip: isThere ? false : `no package onnx ${ONNX_PACKAGE_VERSION}` }, () => {
  assert.ok(models.length > 100, `${models.length} models`);
});

/** What ONNX Runtime itself says: outputs, or why it does not run the model. */
async function runDirectly(path: string): Promise<{ inputs: Tensor[]; outputs: Tensor[] } | { refusal: string }> {
  try {
    const session = await openSession({ model: { path }, threads: 1 });
    const inputs = session.signature.inputs.map((info) => makeInput(info, 3));
    return { inputs, outputs: await session.run(inputs) };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** Why ONNX Runtime itself may refuse a sample; anything else is a fault of ours. */
const REFUSALS = [
  // Kernels start at operator set 7: https://onnxruntime.ai/docs/reference/compatibility.html
  /Could not find an implementation for \w+\([1-6]\)/,
  // Operators of training, which the package for inference lacks.
  /ai\.onnx\.preview\.training/,
  // The machine lacks the locale en_US.UTF-8.
  /StringNormalizer::Locale/,
  // Operators whose input is a shape or sizes, which made-up numbers do not meet.
  /Non-zero status code returned while running (Expand|SplitToSequence)/,
];

let answered = 0;
for (const model of models) {
  test(model, async (t) => {
    const path = join(ONNX_SAMPLES, model);
    const direct = await runDirectly(path);
    const engine = createEngine({ repository: openFile(path, "m"), settings: () => DEFAULT_SETTINGS, now: Date.now });
    t.after(() => engine.close());
    if ("refusal" in direct) {
      const { refusal } = direct;
      assert.ok(
        REFUSALS.some((reason) => reason.test(refusal)),
        refusal,
      );
      const settle = engine.load("m").then(() => engine.infer("m", undefined, []));
      await assert.rejects(settle, { name: "BulwarkError" });
      return;
    }
    await engine.load("m");
    const { outputs } = await engine.infer("m", undefined, direct.inputs);
    assert.deepEqual(toBits(outputs), toBits(direct.outputs));
    answered++;
  });
}

test("most of them were answered", { skip: models.length === 0 }, () => {
  assert.ok(answered > 100, `${answered} of ${models.length}`);
});

/** Bytes, so that one NaN equals another only if it is the same. */
function toBits(tensors: readonly Tensor[]): object[] {
  return tensors.map(({ name, datatype, shape, data }) => ({
    ...{ name, datatype, shape },
    bytes:
      datatype === "BYTES"
        ? data.map((bytes) => Buffer.from(bytes).toString("hex"))
        : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"),
  }));
}
