// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile, resolveSettings } from "@bulwark/inference";
import { writeMlp } from "@bulwark/inference/testing";
import fc from "fast-check";
import { parse } from "yaml";
import { createTestFolder } from "../../testing/context.ts";
import { createRunner } from "../../testing/run-line.ts";
import { choose, listCandidates, type Measurement } from "./choose.ts";
import { measure } from "./measure.ts";
import { writeChoice } from "./write.ts";

const root = createTestFolder();

const measurement = fc.record({
  ...{
    instances: fc.integer({ min: 1, max: 4 }),
    threads: fc.integer({ min: 1, max: 4 }),
    maxRows: fc.integer({ min: 1, max: 64 }),
  },
  ...{
    rowsPerSecond: fc.integer({ min: 1, max: 1e6 }),
    p50Ms: fc.constant(1),
    p99Ms: fc.integer({ min: 1, max: 100 }),
  },
  rowsPerRun: fc.constant(1),
});

test("no candidate takes more cores than there are, and one core gets one thread", () => {
  for (const cores of [1, 2, 3, 8]) {
    const candidates = listCandidates(cores);
    assert.ok(candidates.every(({ instances, threads }) => instances * threads <= cores));
    assert.ok(candidates.some(({ instances, threads, maxRows }) => instances === 1 && threads === 1 && maxRows === 1));
  }
});

test("the choice is within the limit whenever one is, and nearly the fastest of those", () => {
  fc.assert(
    fc.property(fc.array(measurement, { minLength: 1 }), (measured) => {
      const chosen = choose(measured, 50) ?? assert.fail();
      const within = measured.filter(({ p99Ms }) => p99Ms <= 50);
      if (within.length === 0) assert.equal(chosen.p99Ms, Math.min(...measured.map(({ p99Ms }) => p99Ms)));
      else {
        assert.ok(chosen.p99Ms <= 50);
        assert.ok(chosen.rowsPerSecond * 1.06 >= Math.max(...within.map(({ rowsPerSecond }) => rowsPerSecond)));
      }
    }),
  );
  const base: Measurement = {
    instances: 1,
    threads: 1,
    maxRows: 8,
    rowsPerSecond: 100,
    p50Ms: 1,
    p99Ms: 2,
    rowsPerRun: 8,
  };
  assert.equal(
    choose([{ ...base, instances: 2, rowsPerSecond: 104 }, base], 50),
    base,
    "a little more is not worth a copy",
  );
  assert.equal(choose([], 50), undefined);
});

test("a model is measured by what it computed", async () => {
  const path = join(root, "mlp.onnx");
  await writeFile(path, writeMlp([4, 8, 2]));
  const unwrap = () => assert.fail("the model is not encrypted");
  const subject = { repository: openFile(path), model: "mlp", shapes: {}, unwrap };
  const load = { seconds: 0.3, now: () => performance.now(), signal: new AbortController().signal };
  const alone = await measure(subject, { instances: 1, threads: 1, maxRows: 1 }, load);
  const shared = await measure(subject, { instances: 1, threads: 1, maxRows: 16 }, load);
  assert.ok(alone.rowsPerSecond > 0 && alone.p99Ms >= alone.p50Ms && alone.p50Ms > 0);
  assert.ok(alone.rowsPerRun === 1 && shared.rowsPerRun > 2, `${alone.rowsPerRun} ${shared.rowsPerRun}`);
});

test("a shape for what is no input is refused, with the names of those there are", async () => {
  await writeFile(join(root, "mlp.onnx"), writeMlp([4, 8, 2]));
  const { run, failureOf } = createRunner(root);
  const { code, mend } = await failureOf("serving tune mlp.onnx --seconds 0.1 --cores 1 --shape zz=1,2");
  assert.deepEqual([code, /\bx\b/.test(mend)], ["USAGE", true]);
  await run("serving tune mlp.onnx --seconds 0.1 --cores 1 --shape x=2,4");
});

test("what is written is what serve reads, beside what was there", async () => {
  const path = join(root, "serving.yaml");
  const choice = { instances: 2, threads: 1, maxRows: 16 };
  await writeChoice(path, { model: "mlp", models: "/m", choice });
  assert.equal((await readFile(path, "utf8")).includes("{"), false);
  await writeFile(path, "models: ./here # mine\nmodelSettings:\n  mlp: { nonFinite: allow, batch: { windowMs: 3 } }\n");
  await writeChoice(path, { model: "mlp", models: "/m", choice });
  const text = await readFile(path, "utf8");
  assert.ok(text.includes("./here # mine"));
  const settings = resolveSettings(parse(text).modelSettings, "mlp");
  assert.deepEqual(
    [settings.instances, settings.batch, settings.nonFinite],
    [2, { maxRows: 16, windowMs: 3 }, "allow"],
  );
  await writeFile(path, "- no\n");
  await assert.rejects(writeChoice(path, { model: "mlp", models: "/m", choice }), { code: "SERVING_CONFIG" });
});
