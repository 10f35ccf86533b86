// SPDX-License-Identifier: Apache-2.0
// `bulwark serve` with a queue, and what `bulwark serving status` says of it, as people type them.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { writeLookup, writeMlp } from "../../packages/inference/src/testing/models.ts";
import { type Link, nameKeys } from "../../packages/queue/src/index.ts";
import { createClient } from "../../packages/serving-client/src/index.ts";
import { skip, until } from "./stack.ts";
import { makeHome } from "./tool.ts";

const READY = `Detecting redis status...
Redis initialization successful.
Detecting http frontend status. This may take a while.
Http frontend initialization successful.
Detecting cluster-serving-job status...
cluster-serving-job initialization successful.
`;

describe("bulwark serve with a queue", { skip }, () => {
  const { home, folder, run, serve, listParts } = makeHome("bulwark serve");
  let serving: ChildProcess;
  before(async () => {
    mkdirSync(join(home, "models", "mlp", "1"), { recursive: true });
    writeFileSync(join(home, "models", "mlp", "1", "model.onnx"), writeMlp([4, 8, 2]));
    mkdirSync(join(home, "models", "lookup", "1"), { recursive: true });
    writeFileSync(join(home, "models", "lookup", "1", "model.onnx"), writeLookup());
    assert.equal((await run("keys", "init")).code, 0);
    const settings = "queue: { fsync: always, memory: 300m, maxSize: 64m, maxRecords: 1000 }\n";
    writeFileSync(join(home, "serving.yaml"), `models: models\n${settings}`);
    serving = serve("--settings", join(home, "serving.yaml"));
  });
  after(() => {
    serving?.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true, maxRetries: 20 });
  });

  it("is told of in the lines that users know, part by part", async () => {
    await until(() => {
      try {
        return readFileSync(join(folder, "stack.json"), "utf8").endsWith("}\n");
      } catch {
        return false;
      }
    }, 60_000);
    assert.deepEqual(await run("serving", "status"), { code: 0, stdout: READY, stderr: "" });
    const one = await run("serving", "status", "serving");
    assert.deepEqual([one.code, one.stdout], [0, READY.split("\n").slice(4).join("\n")]);
    const flink = await run("serving", "status", "flinkjm");
    assert.deepEqual([flink.code, flink.stdout.includes("embedded engine is in use")], [0, true]);
    assert.equal((await run("serving", "status", "nothing")).code, 2);
    assert.deepEqual(await run("serving", "dead"), { code: 0, stdout: "No dead letters.\n", stderr: "" });
  });

  it("lets no second one into its folder, and is none the worse for it", async () => {
    const files = [
      "stack.json",
      "gateway.json",
      "engine-1.json",
      join("redis", "redis.conf"),
      join("redis", "users.acl"),
    ];
    const read = (): string[] => files.map((file) => readFileSync(join(folder, file), "utf8"));
    const before = read();
    // Without a port of its own it would fail anyway, after it had written all of them.
    const { code, stderr } = await run("serve", join(home, "models"), "--http-port", "1", "--https-port", "0");
    assert.deepEqual([code, stderr.includes("SERVING_LOCKED"), stderr.includes(`${serving.pid}`)], [3, true, true]);
    assert.deepEqual(read(), before);
    assert.equal((await run("serving", "status")).code, 0);
  });

  it("tells Redis and the gateway what the settings say of the queue", () => {
    const lines = readFileSync(join(folder, "redis", "redis.conf"), "utf8").split("\n");
    assert.ok(lines.includes("appendfsync always") && lines.includes(`maxmemory ${300 * 2 ** 20}`));
    const { durable, queue } = JSON.parse(readFileSync(join(folder, "gateway.json"), "utf8"));
    assert.deepEqual([durable.mostRecords, durable.mostBytes, queue], [1000, 64 * 2 ** 20, undefined]);
    const stack = JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));
    assert.deepEqual(stack.queue.limits, { mostRecords: 1000, mostBytes: 64 * 2 ** 20 });
  });

  it("takes requests in now and answers later, takes them back, and computes dead letters again", async () => {
    const { gateway } = JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));
    const client = createClient({ url: gateway.https, ca: readFileSync(gateway.caFile, "utf8") });
    const index = (value: bigint) =>
      ({ name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(value) }) as const;
    try {
      const id = await client.submit("lookup", [index(3n)]);
      assert.deepEqual((await client.result(id))?.outputs[0]?.data, Float32Array.of(9));
      await client.remove(id);
      await assert.rejects(client.result(id), { code: "RESULT_UNKNOWN" });
      const fatal = await client.submit("lookup", [index(77n)]);
      await assert.rejects(client.result(fatal), { code: "MODEL_FAILED" });
      const letters = await run("serving", "dead", "-o", "name");
      assert.match(letters.stdout, /^\d+-\d+\n$/);
      assert.equal((await run("serving", "dead", "retry", letters.stdout.trim())).code, 0);
      const read = async (): Promise<string> => (await run("serving", "dead", "-o", "name")).stdout;
      // It fails again, as it must: another letter with the same reason.
      await until(async () => /^\d/.test(await read()));
      assert.notEqual(await read(), letters.stdout);
      assert.equal((await run("serving", "dead", "retry")).code, 2);
      assert.equal((await run("serving", "dead", "drop", "--all")).code, 0);
      assert.equal(await read(), "");
    } finally {
      client.close();
    }
  });

  it("is found broken by what an engine says that cannot be read, though others answer", async () => {
    const { queue } = JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));
    const names = nameKeys(queue.job);
    const passwordFile = queue.redis.passwordFile.replace("operator", "engine");
    const asEngine = <Value>(ask: (link: Link) => Promise<Value>) =>
      askRedis({ ...queue.redis, user: "engine", passwordFile }, ask);
    const look = () => run("serving", "status", "serving", "--timeout", "0", "-o", "json");
    await asEngine(async (link) => {
      await link.send("ZADD", names.engines, Date.now() + 60_000, "strange");
      await link.send("SET", names.serves("strange"), Buffer.alloc(2 ** 20), "PX", 60_000);
    });
    const { code, stdout } = await look();
    const [{ error }] = JSON.parse(stdout).parts;
    assert.deepEqual([code, error.code, error.message.includes("strange")], [4, "ANNOUNCEMENT_MALFORMED", true]);
    assert.match(error.mend, /Redis/);
    // Said by an engine that was given a key of its own, it is told of before anything else.
    const foreign = { format: 1, versions: [], recordKeys: [{ id: queue.recordKey, version: 1, check: "another" }] };
    await asEngine(async (link) => {
      await link.send("ZADD", names.engines, Date.now() + 60_000, "stranger");
      await link.send("SET", names.serves("stranger"), JSON.stringify(foreign), "PX", 60_000);
    });
    const [{ error: mismatch }] = JSON.parse((await look()).stdout).parts;
    assert.deepEqual([mismatch.code, mismatch.message.includes("stranger")], ["RECORD_KEY_MISMATCH", true]);
    assert.match(mismatch.mend, /keyring/);
    await until(() => readFileSync(join(folder, "gateway.log"), "utf8").includes("RECORD_KEY_MISMATCH"));
    await asEngine((link) => link.send("ZREM", names.engines, "stranger"));
    await asEngine((link) => link.send("ZREM", names.engines, "strange"));
    assert.equal((await look()).code, 0);
  });

  it("is found broken when the engine has another key than the gateway under the same name and version", async () => {
    const file = join(folder, "stack.json");
    const sound = readFileSync(file, "utf8");
    const stack = JSON.parse(sound);
    const keyring = JSON.parse(readFileSync(stack.queue.keyringFile, "utf8"));
    for (const { versions } of keyring.keys) for (const one of versions) one.key = randomBytes(32).toString("base64");
    stack.queue.keyringFile = join(home, "another.json");
    writeFileSync(stack.queue.keyringFile, JSON.stringify(keyring), { mode: 0o600 });
    writeFileSync(file, JSON.stringify(stack));
    const { code, stdout } = await run("serving", "status", "serving", "--timeout", "0", "-o", "json");
    writeFileSync(file, sound);
    const [{ error }] = JSON.parse(stdout).parts;
    assert.deepEqual([code, error.code, error.message.includes("embedded-")], [4, "RECORD_KEY_MISMATCH", true]);
    assert.equal((await run("serving", "status", "serving")).code, 0);
  });

  it("is found broken when an engine and its successors die, and says which log to read", async () => {
    const settings = join(folder, "engine-1.json");
    renameSync(join(home, "models"), join(home, "away"));
    const engine = listParts().find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(settings));
    process.kill(Number(engine), "SIGKILL");
    const { code, stdout, stderr } = await run("serving", "status", "serving", "--timeout", "1");
    assert.deepEqual([code, stdout.includes("cluster-serving-job initialization failed. See ")], [4, true]);
    assert.ok(stderr.includes("engine-1.log") && stderr.includes("ENGINE_ABSENT"));
    renameSync(join(home, "away"), join(home, "models"));
    assert.equal((await run("serving", "status")).code, 0, "and it mends itself");
  });

  it("takes the folder over from one that is killed, with its Redis, at once", async () => {
    serving.kill("SIGKILL");
    serving = serve("--settings", join(home, "serving.yaml"));
    await until(() => readFileSync(join(folder, "stack.json"), "utf8").includes(`"pid": ${serving.pid},`), 60_000);
    assert.equal((await run("serving", "status")).code, 0);
  });

  it("leaves no process behind when it is killed", async () => {
    assert.ok(listParts().length >= 3);
    serving.kill("SIGKILL");
    await until(() => listParts().length === 0);
    const { code, stdout } = await run("serving", "status", "--timeout", "0");
    assert.equal(code, 4);
    assert.equal(stdout.match(/initialization failed/g)?.length, 3);
  });
});
