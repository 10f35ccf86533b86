// SPDX-License-Identifier: Apache-2.0
// `bulwark serve --engine flink`, what `bulwark serving status` says of it, and both protocols through it.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { totalmem } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { writeMlp } from "../../packages/inference/src/testing/models.ts";
import { createClient } from "../../packages/serving-client/src/index.ts";
import { until } from "../serving/stack.ts";
import { makeHome } from "../serving/tool.ts";
import { skip } from "./stack.ts";

const READY = `Detecting redis status...
Redis initialization successful.
Detecting Flink job manager status...
Flink job manager initialization successful.
Detecting Flink task manager status...
Flink task manager initialization successful.
Detecting http frontend status. This may take a while.
Http frontend initialization successful.
Detecting cluster-serving-job status...
cluster-serving-job initialization successful.
`;

/** Nobody listens there. */
const COLLECTOR = "http://127.0.0.1:9";
const SETTINGS = `tracesEndpoint: ${COLLECTOR}
older: { models: { cipher: aes-128-gcm, secretFile: secret, saltFile: salt } }
`;

describe("bulwark serve --engine flink", { skip }, () => {
  const { home, folder, run, serve, listParts } = makeHome("bulwark flink");
  let serving: ChildProcess;
  before(async () => {
    mkdirSync(join(home, "models", "mlp", "1"), { recursive: true });
    writeFileSync(join(home, "models", "mlp", "1", "model.onnx"), writeMlp([4, 8, 2]));
    for (const name of ["secret", "salt"]) writeFileSync(join(home, name), name, { mode: 0o600 });
    writeFileSync(join(home, "serving.yaml"), SETTINGS);
    assert.equal((await run("keys", "init")).code, 0);
    serving = serve(join(home, "models"), "--settings", join(home, "serving.yaml"), "--engine", "flink");
  });
  after(() => {
    serving?.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true, maxRetries: 20 });
  });

  const readStack = () => JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));

  it("is told of in the ten lines that users know", async () => {
    await until(() => existsSync(join(folder, "stack.json")), 120_000);
    const { code, stdout, stderr } = await run("serving", "status", "--timeout", "120");
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: READY, stderr: "" });
    const document = JSON.parse((await run("serving", "status", "-o", "json")).stdout);
    const found = Object.fromEntries(
      document.parts.map(({ part, details }: { part: string; details: object }) => [part, details]),
    );
    assert.deepEqual(found.flinktm, { managers: 1, slots: 1 });
    assert.deepEqual([found.flinkjm.version, found.flinkjm.jobs], ["2.3.0", 1]);
  });

  it("answers both protocols through Flink", async () => {
    const { gateway } = readStack();
    const ca = readFileSync(gateway.caFile, "utf8");
    const client = createClient({ url: gateway.https, ca });
    try {
      const row = { name: "x", datatype: "FP32", shape: [1, 4], data: Float32Array.of(1, 2, 3, 4) } as const;
      const [output] = (await client.infer("mlp", [row])).outputs;
      assert.deepEqual(output?.shape, [1, 2]);
      const body = JSON.stringify({ instances: [{ x: [[1, 2, 3, 4]] }] });
      const reply = await post(`${gateway.https}/predict`, ca, body);
      const [prediction] = JSON.parse(reply).predictions;
      const { data, shape } = JSON.parse(JSON.parse(prediction).value);
      assert.deepEqual([shape, data], [[1, 2], [...(output?.data ?? [])]]);
    } finally {
      client.close();
    }
  });

  it("counts what Flink computed, and loads and unloads while it runs", async () => {
    const { gateway } = readStack();
    const ca = readFileSync(gateway.caFile, "utf8");
    const metrics = await ask("GET", `${gateway.https}/metrics`, { ca });
    for (const family of ["request_success", "count", "exec_count", "compute_infer_duration_us", "queue_duration_us"]) {
      assert.match(metrics, new RegExp(`^nv_inference_${family}\\{model="mlp",version="1"\\} [1-9]`, "m"), family);
    }
    for (const [verb, state] of [
      ["unload", "UNAVAILABLE"],
      ["load", "READY"],
    ] as const) {
      const { code, stderr } = await run("model", verb, "mlp");
      assert.deepEqual([code, stderr.includes("->")], [0, false], stderr);
      const [{ state: found }] = JSON.parse(await post(`${gateway.https}/v2/repository/index`, ca, "{}"));
      assert.equal(found, state);
    }
  });

  it("hands over what the job has to know of the settings", () => {
    const { older, tracesEndpoint, memoryLimitBytes } = JSON.parse(
      readFileSync(join(folder, "flink", "serving.json"), "utf8"),
    );
    assert.equal(tracesEndpoint, COLLECTOR);
    assert.ok(memoryLimitBytes > 0 && memoryLimitBytes < totalmem() / 2, "a share beside the gateway's");
    assert.deepEqual(older.models.secretFile, join(home, "secret"));
  });

  it("keeps its settings from others, and secrets out of every command line", () => {
    const flink = join(folder, "flink");
    for (const name of ["config.yaml", "serving.json", "channel.p12", "channel-trust.p12"]) {
      assert.equal(statSync(join(flink, name)).mode & 0o077, 0, name);
    }
    const passwords = [...readFileSync(join(flink, "config.yaml"), "utf8").matchAll(/password: "(.+)"/g)];
    assert.ok(passwords.length >= 6);
    for (const pid of listParts()) {
      const seen = ["cmdline", "environ"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8")).join("");
      for (const [, password] of passwords) assert.ok(!seen.includes(password ?? ""));
    }
  });

  it("answers nobody without a certificate of ours", async () => {
    const { queue } = readStack();
    await assert.rejects(post(`${queue.flink.url}/jobs`, readFileSync(queue.flink.caFile, "utf8"), ""));
  });

  it("leaves no process behind when it is killed", async () => {
    assert.ok(listParts().length >= 4);
    serving.kill("SIGKILL");
    await until(() => listParts().length === 0, 30_000);
    const { code, stdout } = await run("serving", "status", "--timeout", "0");
    assert.equal(code, 4);
    assert.equal(stdout.match(/initialization failed/g)?.length, 5);
  });
});

const post = (url: string, ca: string, body: string): Promise<string> => ask("POST", url, { ca, body });

function ask(method: string, url: string, { ca, body = "" }: { ca: string; body?: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method, ca, agent: false }, (reply) => text(reply).then(resolve, reject));
    call.once("error", reject);
    call.end(body);
  });
}
