// SPDX-License-Identifier: Apache-2.0
// A run that never ends, in a gateway that computes models itself: its asker gets an answer in time, callers of other models
// notice little, and the gateway is replaced, since nothing else gives the core back.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { writeLookup, writeSlow } from "../../packages/inference/src/testing/models.ts";
import { type Client, createClient } from "../../packages/serving-client/src/index.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import { until } from "./stack.ts";
import { makeHome } from "./tool.ts";

const RUN_LIMIT_MS = 1_000;
const MODEL_SETTINGS = { slow: { runLimitMs: RUN_LIMIT_MS } };
const LEAVE_MS = 4_000;
/** Its worker must come back, and the machine may have much else to do. */
const BACK_MS = 60_000;
/** What a gateway that ends may answer, or not. */
const PASSING = ["SERVING_UNREACHABLE", "SERVING_STOPPING"];

const three: Tensor = { name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(3n) };
const number: Tensor = { name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(1) };
const trips = (count: bigint): Tensor => ({
  name: "trips",
  datatype: "INT64",
  shape: [],
  data: BigInt64Array.of(count),
});
const endless = [number, trips(2n ** 62n)];

function writeModels(folder: string): void {
  for (const [name, bytes] of Object.entries({ lookup: writeLookup(), slow: writeSlow() })) {
    const path = join(folder, name, "1", "model.onnx");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
}

/** Asks another model again and again, and counts what comes of it. */
function keepAsking(connect: () => Client) {
  const seen = { answered: 0, wrong: 0, failures: new Set<string>(), longestGapMs: 0 };
  let lastAt = performance.now();
  let isOver = false;
  const done = (async () => {
    for (; !isOver; await delay(5)) {
      const client = connect();
      try {
        const { outputs } = await client.infer("lookup", [three]);
        seen.answered++;
        seen.longestGapMs = Math.max(seen.longestGapMs, performance.now() - lastAt);
        lastAt = performance.now();
        if (outputs[0]?.data[0] !== 9) seen.wrong++;
      } catch (error) {
        seen.failures.add((error as { code: string }).code);
      } finally {
        client.close();
      }
    }
  })();
  return {
    seen,
    async stop() {
      isOver = true;
      await done;
    },
  };
}

describe("a run that never ends in `bulwark serve --direct`", () => {
  const { home, folder, serve, listParts } = makeHome("bulwark stuck");
  let serving: ChildProcess;
  before(() => {
    writeModels(join(home, "models"));
    const settings = { models: "models", modelSettings: MODEL_SETTINGS };
    writeFileSync(join(home, "serving.yaml"), JSON.stringify(settings));
    serving = serve("--settings", join(home, "serving.yaml"), "--direct");
  });
  after(async () => {
    serving.kill("SIGTERM");
    await once(serving, "exit");
    assert.deepEqual(listParts(), []);
    rmSync(home, { recursive: true, force: true, maxRetries: 20 });
  });

  const readAddress = (): string => {
    try {
      return JSON.parse(readFileSync(join(folder, "stack.json"), "utf8")).gateway.http;
    } catch {
      return "";
    }
  };
  const connect = (): Client => createClient({ url: readAddress(), attempts: 1 });

  it("its askers are answered in time, so are others, and the gateway is replaced", async (context) => {
    await until(() => readAddress() !== "", BACK_MS);
    const former = readAddress();
    const [client, others] = [connect(), keepAsking(connect)];
    const startedAt = performance.now();
    const short = client.infer("slow", endless, { timeoutMs: RUN_LIMIT_MS / 2 });
    await assert.rejects(short, { code: "SERVING_DEADLINE" });
    const shortMs = performance.now() - startedAt;
    assert.ok(shortMs < BACK_MS / 2, `after ${shortMs} ms`);
    const { answered } = others.seen;
    await assert.rejects(client.infer("slow", endless, { timeoutMs: BACK_MS }), { code: "MODEL_FAILED" });
    assert.ok(others.seen.answered > answered, "while it runs, others are answered");
    client.close();
    await until(() => readAddress() !== former, BACK_MS);
    const again = others.seen.answered;
    await until(() => others.seen.answered > again + 20, BACK_MS);
    await others.stop();
    const gap = `${Math.round(others.seen.longestGapMs)} ms without an answer at most`;
    context.diagnostic(`answered after ${Math.round(shortMs)} ms; ${others.seen.answered} others answered, ${gap}`);
    assert.equal(others.seen.wrong, 0);
    for (const code of others.seen.failures) assert.ok(PASSING.includes(code), code);
    const log = readFileSync(join(folder, "gateway.log"), "utf8");
    assert.equal(log.match(/"code":"ENGINE_STUCK"/g)?.length, 1);
    const successor = connect();
    assert.deepEqual((await successor.infer("slow", [number, trips(1n)])).outputs[0]?.shape, [1]);
    successor.close();
  });
});

const NAMESPACE = ["--pid", "--fork", "--kill-child"];
const cannot = spawnSync("unshare", [...NAMESPACE, "true"]).status !== 0;

describe("a gateway that is the first process of its container", { skip: cannot && "no namespaces here" }, () => {
  const timeout = 3 * BACK_MS;
  it("is not ready once a run never ends, answers others for a while, and ends with a code", {
    timeout,
  }, async (context) => {
    const root = mkdtempSync(join(tmpdir(), "bulwark-stuck-"));
    context.after(() => rmSync(root, { recursive: true, force: true }));
    writeModels(join(root, "models"));
    const file = join(root, "gateway.json");
    const settings = { models: join(root, "models"), modelSettings: MODEL_SETTINGS, httpPort: 0, leaveMs: LEAVE_MS };
    writeFileSync(file, JSON.stringify(settings));
    const main = createRequire(import.meta.url).resolve("@bulwark/serving-gateway/main");
    const gateway = spawn("unshare", [...NAMESPACE, process.execPath, main, file], {
      ...{ stdio: ["ignore", "pipe", "pipe"], signal: context.signal, killSignal: "SIGKILL" },
    });
    const log = text(gateway.stderr);
    const ended = once(gateway, "exit");
    try {
      const [line] = await once(createInterface({ input: gateway.stdout }), "line");
      const { pid, addresses } = JSON.parse(line);
      assert.equal(pid, 1);
      const client = createClient({ url: addresses.http, attempts: 1 });
      await assert.rejects(client.infer("slow", endless, { timeoutMs: BACK_MS }), { code: "MODEL_FAILED" });
      await until(async () => (await fetch(`${addresses.http}/v2/health/ready`)).status === 503, BACK_MS);
      assert.equal((await client.infer("lookup", [three])).outputs[0]?.data[0], 9);
      client.close();
      assert.deepEqual(await ended, [EXIT.jobFailed, null]);
      assert.match(await log, /"code":"ENGINE_STUCK"/);
    } finally {
      gateway.kill("SIGKILL");
    }
  });
});
