// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { toTensor } from "@bulwark/tensors";
import { createEngine } from "./create-engine.ts";
import { openFile } from "./repository.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { writeMlp } from "./testing/models.ts";

const folder = await mkdtemp(join(tmpdir(), "bulwark-reload-"));
after(() => rm(folder, { recursive: true, force: true }));

const MIB = 2 ** 20;
const CYCLES = 40;
const WARM = 10;

test("a model that is loaded and unloaded again and again gives its memory back", async () => {
  const file = join(folder, "model.onnx");
  // 16 MiB of weights: what a cycle would keep of them is seen.
  await writeFile(file, writeMlp([2048, 2048, 8]));
  const engine = createEngine({
    repository: openFile(file, "model"),
    settings: () => DEFAULT_SETTINGS,
    now: () => performance.timeOrigin + performance.now(),
  });
  const input = toTensor("x", "FP32", [1, 2048], new Float32Array(2048));
  let warm = 0;
  for (let cycle = 1; cycle <= CYCLES; cycle++) {
    await engine.load("model");
    assert.equal((await engine.infer("model", undefined, [input])).outputs[0]?.data.length, 8);
    await engine.unload("model");
    if (cycle === WARM) warm = process.memoryUsage.rss();
  }
  await engine.close();
  const grownBy = (process.memoryUsage.rss() - warm) / MIB;
  // A quarter of what would stay if every cycle kept the weights.
  assert.ok(grownBy < ((CYCLES - WARM) * 16) / 4, `${grownBy.toFixed(0)} MiB more after ${CYCLES - WARM} cycles`);
});
