// SPDX-License-Identifier: Apache-2.0
// `bulwark serve` with the files that users of BigDL Cluster Serving have, asked by their client.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createCipheriv, pbkdf2Sync } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startRelay } from "../../cli/src/serving/relay.ts";
import type { Stack } from "../../cli/src/serving/stack.ts";
import { writeIdentity, writeNumbers, writeSum } from "../../packages/inference/src/testing/models.ts";
import { DEFAULT_LIMITS, decodeResult, encodeRecord } from "../../packages/tensors/src/index.ts";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { startGateway } from "../../services/serving-gateway/src/start.ts";
import { askRelay } from "./ask-relay.ts";
import { CLIENT, findPython, runScript, STRINGS } from "./python-client.ts";
import { skip, until } from "./stack.ts";
import { makeHome } from "./tool.ts";

const SERVABLES = `modelMetaDataList:
  - !<ClusterServingMetaData>
    modelName: "numbers"
    modelVersion: "1.0"
    redisHost: "localhost"
    redisPort: "6379"
    redisInputQueue: "my_stream"
    redisOutputQueue: "cluster-serving_my_stream:"
    inputCompileType: "direct"
    modelPath: ./numbers
  - !<InferenceModelMetaData>
    modelName: "sum"
    modelVersion: "1.0"
    modelPath: ./first.onnx
    modelType: "OpenVINO"
    features:
      - "x"
  - !<InferenceModelMetaData>
    modelName: "sum"
    modelVersion: "2.0"
    modelPath: ./second.onnx
    modelType: "OpenVINO"
`;

type Home = ReturnType<typeof makeHome>;

/** Serves what a settings file says; gives what was started, and how to end it. */
async function serve({ home, folder, run, serve: start }: Home, ...args: string[]) {
  assert.equal((await run("keys", "init")).code, 0);
  const process: ChildProcess = start(...args);
  const readStack = (): Stack | undefined => {
    try {
      return JSON.parse(readFileSync(join(folder, "stack.json"), "utf8"));
    } catch {
      return undefined;
    }
  };
  await until(() => readStack() !== undefined || process.exitCode !== null, 60_000);
  const stack = readStack() ?? assert.fail(`it ended with ${process.exitCode}`);
  return {
    stack,
    async stop() {
      const ended = new Promise((resolve) => process.once("exit", resolve));
      process.kill("SIGTERM");
      await ended;
      rmSync(home, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

/** What the client's helpers make of the answers. */
const HELPED = {
  json: { shape: [2], data: [1.5, -2] },
  response: { shape: [2, 1], data: [3, 7] },
  joined: { shape: [3], data: [7, 8, 9] },
  refused: "[]",
  unknown: "[]",
  // It cuts braces off, which is right for texts of post-processing.
  predict: "[[0,1.5]]",
};

const predict = async (base: string | undefined, path: string, instance: object): Promise<unknown> => {
  const body = JSON.stringify({ instances: [instance] });
  const answer = (await (await fetch(`${base}${path}`, { method: "POST", body })).json()) as { predictions: string[] };
  const { value } = JSON.parse(answer.predictions[0] ?? "");
  // Several outputs stand side by side; the first is enough here.
  return value === "NaN" ? value : JSON.parse(value.replace(/\}\{.*/, "}"));
};

describe("servables of BigDL Cluster Serving", { skip }, () => {
  const home = makeHome("older servables");
  let serving: Awaited<ReturnType<typeof serve>>;
  before(async () => {
    mkdirSync(join(home.home, "numbers"));
    writeFileSync(join(home.home, "numbers", "model.onnx"), writeNumbers());
    writeFileSync(join(home.home, "first.onnx"), writeSum());
    writeFileSync(join(home.home, "second.onnx"), writeIdentity("FP32", "n", 2));
    writeFileSync(join(home.home, "servables.yaml"), SERVABLES);
    serving = await serve(home, "--settings", join(home.home, "servables.yaml"));
  });
  after(() => serving?.stop());

  it("are served under their names and versions, each from its place", async () => {
    const { http } = serving.stack.gateway;
    const ask = (path: string): Promise<unknown> => predict(http, path, { x: [1, 2] });
    assert.deepEqual(await ask("/models/sum/versions/1.0/predict"), { data: [3], shape: [1, 1] });
    const second = (await fetch(`${http}/v2/models/sum/versions/2.0`).then((answer) => answer.json())) as object;
    assert.ok("version" in second && second.version === "2");
    assert.equal(serving.stack.queue?.job, "my_stream");
  });

  it("answer the published client over HTTP, and its strings through the stream that they name", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    const queue = serving.stack.queue ?? assert.fail();
    const relay = await startRelay(queue, { mostRecords: 1000, mostBytes: 2 ** 30, port: 0, model: "numbers" });
    // Its `predict` over HTTP reads the dialect of other releases.
    const older = { model: "numbers", dialect: "a", postProcessing: "topN(1)" };
    const settings = { models: join(home.folder, "models"), httpPort: 0, older };
    const front = await startGateway(parseConfig(JSON.stringify(settings), "test"));
    try {
      const fronts = [serving.stack.gateway.http, front.addresses.http].map(String);
      assert.deepEqual(await runScript(python, "older_helpers.py", ...fronts), HELPED);
      assert.deepEqual(await runScript(python, "older_strings.py", String(relay.port), queue.job), STRINGS);
    } finally {
      await front.close();
      await relay.close();
    }
  });
});

describe("what BigDL encrypted", { skip }, () => {
  const home = makeHome("older blobs");
  let serving: Awaited<ReturnType<typeof serve>>;
  const encrypt = (plain: Buffer, bits: 128 | 256): Buffer => {
    const cipher = createCipheriv(`aes-${bits}-gcm`, pbkdf2Sync("secret", "salt", 65_536, bits / 8, "sha256"), IV);
    return Buffer.concat([IV, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };
  const IV = Buffer.alloc(12, 9);
  const PIXEL = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  before(async () => {
    const version = join(home.home, "models", "picture", "1");
    mkdirSync(version, { recursive: true });
    writeFileSync(join(version, "model.onnx.bigdl"), encrypt(writeIdentity("FP32", "n", 3, "h", "w"), 256));
    for (const name of ["secret", "salt"]) writeFileSync(join(home.home, name), `${name}\n`, { mode: 0o600 });
    const files = "secretFile: ./secret, saltFile: ./salt";
    const text = `models: ./models
older:
  models: { cipher: aes-256-gcm, ${files} }
  records: { cipher: aes-128-gcm, ${files} }
`;
    writeFileSync(join(home.home, "serving.yaml"), text);
    serving = await serve(home, "--settings", join(home.home, "serving.yaml"));
  });
  after(() => serving?.stop());

  it("is opened by gateway and engine alike", async () => {
    const { http } = serving.stack.gateway;
    const ask = (picture: Buffer): Promise<unknown> => predict(http, "/predict", { x: picture.toString("base64") });
    const seen = await ask(encrypt(PIXEL, 128));
    assert.deepEqual((seen as { shape: number[] }).shape, [1, 3, 1, 1]);
    assert.equal(await ask(PIXEL), "NaN");
    const queue = serving.stack.queue ?? assert.fail();
    const relay = await startRelay(queue, { mostRecords: 1000, mostBytes: 2 ** 30, port: 0, model: "picture" });
    try {
      const record = encodeRecord([{ name: "x", text: encrypt(PIXEL, 128).toString("base64") }]).toString("base64");
      await askRelay(relay.port, ["XADD", queue.job, "*", "uri", "closed", "data", record]);
      let reply = "";
      await until(async () => {
        reply = await askRelay(relay.port, ["HGETALL", `cluster-serving_${queue.job}:closed`]);
        return !reply.startsWith("*0");
      });
      const [value = ""] = reply.split("\r\n").slice(4);
      const [planes] = decodeResult(Buffer.from(value, "base64"), DEFAULT_LIMITS);
      assert.deepEqual([...(planes?.data ?? [])], (seen as { data: number[] }).data);
    } finally {
      await relay.close();
    }
  });
});
