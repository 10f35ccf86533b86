// SPDX-License-Identifier: Apache-2.0
// `bulwark serve` on a Redis that somebody else runs: by TLS, with an authority, a user and a password of its own.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findFreePort } from "../../cli/src/serving/free-port.ts";
import { startRelay } from "../../cli/src/serving/relay.ts";
import { createRunner } from "../../cli/src/testing/run-line.ts";
import { writeIdentity, writeLookup } from "../../packages/inference/src/testing/models.ts";
import { initKeys } from "../../packages/pki/src/index.ts";
import type { Link } from "../../packages/queue/src/index.ts";
import { findRedisPrograms, startTestRedis, type TestRedis } from "../../packages/queue/src/testing/index.ts";
import { createClient } from "../../packages/serving-client/src/index.ts";
import { computeRow } from "./ask-relay.ts";
import { until } from "./stack.ts";
import { BULWARK, makeHome } from "./tool.ts";

const [program] = findRedisPrograms();
const JOB = "clinic";
const PASSWORD = "a password of theirs";
const REDIS_STATUS = "Detecting redis status...\nRedis initialization successful.\n";

describe("bulwark serve on a given Redis", { skip: program === undefined ? "no redis-server here" : false }, () => {
  const { home, folder, env, run, listParts } = makeHome("bulwark given");
  const { run: runHere, failureOf } = createRunner(home, new Date());
  let redis: TestRedis;
  /** Whoever runs this Redis. */
  let admin: Link;
  let given: Record<string, string>;

  /** Writes settings with what the queue is told. */
  const write = (queue: object, name = "serving.yaml"): string => {
    writeFileSync(join(home, name), JSON.stringify({ models: "models", delivery: { "*": "durable" }, queue }));
    return name;
  };
  const failOn = (change: object) =>
    failureOf(`serve --settings ${write({ job: JOB, redis: { ...given, ...change } })}`);

  before(async () => {
    assert.ok(program);
    const theirs = await initKeys(join(home, "theirs"), { now: new Date(), keyNames: [] });
    const { certificate, privateKey, caBundle } = theirs.files.server;
    const port = await findFreePort();
    redis = await startTestRedis(program, [
      ...[`tls-port ${port}`, `tls-cert-file "${certificate}"`, `tls-key-file "${privateKey}"`],
      ...[`tls-ca-cert-file "${caBundle}"`, "tls-auth-clients no"],
    ]);
    admin = await redis.connect();
    await admin.send("ACL", "SETUSER", "serving", "on", `>${PASSWORD}`, "-@all", "+ping", "+info", "+eval", "+evalsha");
    writeFileSync(join(home, "password"), `${PASSWORD}\n`, { mode: 0o600 });
    given = { url: `rediss://localhost:${port}`, user: "serving", passwordFile: "password", caFile: caBundle };
    for (const [name, model] of Object.entries({ lookup: writeLookup(), echo: writeIdentity("FP32", "n", "m") })) {
      mkdirSync(join(home, "models", name, "1"), { recursive: true });
      writeFileSync(join(home, "models", name, "1", "model.onnx"), model);
    }
  });
  after(async () => {
    await redis?.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 20 });
  });

  it("does without no queue that it was told to use", async () => {
    assert.equal((await failOn({})).code, "KEYS_MISSING");
    await runHere("keys init");
  });

  it("tells which rights its user lacks, and the line that gives them", async () => {
    const { code, message, mend } = await failOn({});
    assert.deepEqual([code, message.includes("serving")], ["QUEUE_REFUSED", true]);
    const [command = "", ...words] = mend.split(" ");
    await admin.send(command, ...words);
  });

  it("refuses one that could lose records, or that does not know us", async () => {
    const wrong = (name: string, text: string): string => {
      writeFileSync(join(home, name), text, { mode: 0o600 });
      return name;
    };
    const others = await initKeys(join(home, "others"), { now: new Date(), keyNames: [] });
    const table: [string, object, string][] = [
      ["a wrong password", { passwordFile: wrong("wrong", "wrong") }, "QUEUE_REFUSED"],
      ["an authority that did not sign its certificate", { caFile: others.files.server.caBundle }, "QUEUE_REFUSED"],
      ["a user who is not there", { user: "nobody" }, "QUEUE_REFUSED"],
      ["nobody there", { url: `rediss://localhost:${await findFreePort()}` }, "QUEUE_UNREACHABLE"],
      ["a port without TLS", { url: `rediss://localhost:${redis.port}` }, "QUEUE_UNREACHABLE"],
      ["another machine in the clear", { url: "redis://redis.example:6379" }, "SERVING_CONFIG"],
      ["no such file", { passwordFile: "nowhere" }, "SERVING_CONFIG"],
    ];
    for (const [what, change, code] of table) {
      const error = await failOn(change);
      assert.equal(error.code, code, `${what}: ${error.message}`);
    }
    await admin.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    assert.equal((await failOn({})).code, "QUEUE_EVICTS");
    await admin.send("CONFIG", "SET", "maxmemory-policy", "noeviction");
    assert.ok(!existsSync(join(folder, "stack.json")));
  });

  it("warns where Redis keeps nothing on its disk", async () => {
    await admin.send("CONFIG", "SET", "appendonly", "no");
    const serving = startServing(["pipe", "pipe"]);
    let said = "";
    serving.stderr?.on("data", (data) => {
      said += data;
    });
    await until(() => said.includes("appendonly yes") || serving.exitCode !== null, 60_000);
    await end(serving);
    assert.match(said, /append-only/);
    await admin.send("CONFIG", "SET", "appendonly", "yes");
  });

  it("starts no Redis of its own, and answers what is queued and what relays bring", async () => {
    const serving = startServing(["ignore", "ignore"]);
    try {
      await until(() => existsSync(join(folder, "stack.json")), 60_000);
      const { gateway, queue } = JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));
      assert.deepEqual([queue.redis.url, queue.job, queue.redisLog], [given.url, JOB, undefined]);
      assert.ok(!existsSync(join(folder, "redis")));
      assert.ok(listParts().every((pid) => !/redis/.test(readFileSync(`/proc/${pid}/comm`, "utf8"))));
      assert.deepEqual(await run("serving", "status", "redis"), { code: 0, stdout: REDIS_STATUS, stderr: "" });
      assert.equal((await run("serving", "status")).code, 0);
      const client = createClient({ url: gateway.https, ca: readFileSync(gateway.caFile, "utf8") });
      try {
        const input = { name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(3n) } as const;
        assert.deepEqual((await client.infer("lookup", [input])).outputs[0]?.data, Float32Array.of(9));
      } finally {
        client.close();
      }
      const relay = await startRelay(queue, { port: 0, model: "echo", mostRecords: 10, mostBytes: 1e6 });
      try {
        assert.deepEqual(await computeRow(relay.port, "u", [1.5], JOB), [[1.5], [1.5]]);
      } finally {
        await relay.close();
      }
      assert.equal(Number(await admin.send("EXISTS", JOB)), 1);
      assert.equal(Number(await admin.send("EXISTS", "serving_stream")), 0);
      await admin.send("ACL", "SETUSER", "serving", "-info");
      const { code, stderr } = await run("serving", "status", "redis", "--timeout", "0");
      assert.deepEqual([code, stderr.includes("QUEUE_REFUSED"), stderr.includes(given.url ?? "")], [4, true, true]);
    } finally {
      await end(serving);
    }
    assert.ok(!existsSync(join(folder, "stack.json")));
  });

  function startServing(stdio: readonly ["ignore" | "pipe", "ignore" | "pipe"]): ChildProcess {
    const ports = ["http", "https", "grpc"].flatMap((kind) => [`--${kind}-port`, "0"]);
    const settings = join(home, write({ job: JOB, maxRecords: 1000, redis: given }));
    return spawn(BULWARK, ["serve", "--settings", settings, ...ports], { env, stdio: ["ignore", ...stdio] });
  }

  async function end(serving: ChildProcess): Promise<void> {
    if (serving.exitCode !== null) return;
    serving.kill("SIGTERM");
    await once(serving, "exit");
  }
});
