// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { writeMlp } from "@bulwark/inference/testing";
import { initKeys } from "@bulwark/pki";
import { createTestFolder } from "../testing/context.ts";
import { findRedisProgram } from "./redis-server.ts";
import { startQueue } from "./start-queue.ts";

const skip: string | false =
  findRedisProgram(process.env) === undefined ? "no redis-server here: apt-get install redis-server" : false;

type End = { how: string; isLast: boolean | undefined };

/** Ends of the one engine of a queue, which is started with some settings; `enough` of them are waited for. */
async function listEnds(models: Readonly<Record<string, unknown>> & { models: string }, enough: number) {
  const folder = createTestFolder();
  const ends: End[] = [];
  const keys = await initKeys(join(folder, "keys"), { now: new Date(), keyNames: ["serving-records"] });
  const queue = await startQueue({
    ...{ folder: join(folder, "serving"), keys, job: "serving_stream", recordKey: "serving-records", engines: 1 },
    ...{ models, redisPort: 0, redisMostBytes: 2 ** 28, fsync: "everysec", env: process.env },
    onEnd: (_part, how, isLast) => ends.push({ how, isLast }),
  });
  try {
    for (const limit = performance.now() + 60_000; ends.length < enough; await delay(20)) {
      assert.ok(performance.now() < limit, "in time");
    }
    // Longer than the pause before the first start again.
    await delay(1_000);
    return { ends, restarts: queue.processes["engine-1"]?.restarts() };
  } finally {
    await queue.stop();
  }
}

test("an engine that refuses its settings is left so, and says why", { skip }, async () => {
  const model = join(createTestFolder(), "mlp.onnx");
  writeFileSync(model, writeMlp([4, 8, 2]));
  const { ends, restarts } = await listEnds({ models: model, nonsense: 1 }, 1);
  assert.deepEqual([ends.map(({ isLast }) => isLast), restarts], [[true], 0]);
  assert.match(ends[0]?.how ?? "", /^exit code 3, SERVING_CONFIG: .*nonsense/);
});

test("an engine whose models are not there yet is started again, and says what it lacks", { skip }, async () => {
  const { ends } = await listEnds({ models: join(createTestFolder(), "absent") }, 2);
  assert.ok(ends.every(({ how, isLast }) => isLast === false && how.startsWith("exit code 3, MODEL_")));
});
