// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { BulwarkError } from "@bulwark/contracts/errors";
import { createTestFolder } from "../testing/context.ts";
import { readServeSettings, toGraceMs } from "./serve-settings.ts";

const root = createTestFolder();

async function read(text: string, models?: string, flags: Readonly<Record<string, unknown>> = {}) {
  await writeFile(join(root, "settings.yaml"), text);
  return readServeSettings(root, { models, flags: { settings: "settings.yaml", ...flags } });
}

test("the older config.yaml is read in any case, and keys that mean nothing here are left alone", async () => {
  assert.deepEqual(await read('modelPath: ./m\nMODELPARALLELISM: 3\nimageResize: "224,112"\nredisUrl: "a:1"\n'), {
    models: join(root, "m"),
    modelSettings: { "*": { instances: 3 } },
    older: { postProcessing: "", resize: { width: 224, height: 112 } },
  });
});

test("the older config.yaml names the stream, and a folder with the one model", async () => {
  await mkdir(join(root, "one"), { recursive: true });
  await writeFile(join(root, "one", "net.onnx"), "");
  await writeFile(join(root, "one", "labels.txt"), "");
  const { queue, models } = await read("modelPath: ./one\njobName: my_stream\nmodelEncrypted: false\n");
  assert.deepEqual([queue?.job, models], ["my_stream", join(root, "one", "net.onnx")]);
  await writeFile(join(root, "one", "other.onnx"), "");
  assert.equal((await read("modelPath: ./one\n")).models, join(root, "one"));
});

test("what config.yaml says is encrypted is refused with what to do, or was encrypted anew", async () => {
  for (const [text, mend] of [
    ["modelPath: m.onnx\nmodelEncrypted: true\n", /model encrypt --from-bigdl/],
    ["modelPath: m.onnx\nRECORDENCRYPTED: true\n", /older\.records/],
  ] as const) {
    await assert.rejects(read(text), (error: BulwarkError) => error.code === "SERVING_CONFIG" && mend.test(error.mend));
  }
  const { models } = await read("modelPath: m.onnx.sealed\nmodelEncrypted: true\n");
  assert.equal(models, join(root, "m.onnx.sealed"));
});

const servable = (kind: string, keys: object): string =>
  [`\n  - !<${kind}MetaData>`, ...Object.entries(keys).map(([key, value]) => `\n    ${key}: ${value}`)].join("");

test("servables bring their places, copies and limits, and their versions as numbers or labels", async () => {
  const one = { modelName: "resnet", modelVersion: '"1.0"', modelPath: "./resnet.onnx", modelConCurrentNum: 2 };
  assert.deepEqual(await read(`modelMetaDataList:${servable("InferenceModel", one)}\n`), {
    models: [{ model: "resnet", version: "1", path: join(root, "resnet.onnx") }],
    modelSettings: { resnet: { instances: 2, labels: { "1.0": "1" } } },
    older: { model: "resnet" },
  });
  const text = [
    servable("InferenceModel", one),
    servable("InferenceModel", { ...one, modelVersion: '"10.0"', modelPath: "/a/ten.onnx", modelConCurrentNum: 3 }),
    servable("InferenceModel", { ...one, modelVersion: '"9.5"', modelPath: "/a/nine.onnx" }),
    servable("InferenceModel", { ...one, modelVersion: '"2"', modelPath: "/a/two.onnx" }),
    servable("ClusterServing", { modelName: "mlp", modelVersion: '"7"', modelPath: "b", redisInputQueue: "mine" }),
  ].join("");
  const { queue, ...settings } = await read(`modelMetaDataList:${text}\n`);
  assert.equal(queue?.job, "mine");
  assert.deepEqual(settings, {
    models: [
      { model: "resnet", version: "1", path: join(root, "resnet.onnx") },
      { model: "resnet", version: "4", path: "/a/ten.onnx" },
      { model: "resnet", version: "3", path: "/a/nine.onnx" },
      { model: "resnet", version: "2", path: "/a/two.onnx" },
      { model: "mlp", version: "7", path: join(root, "b") },
    ],
    modelSettings: {
      resnet: { instances: 3, versions: { kind: "all" }, labels: { "1.0": "1", "9.5": "3", "10.0": "4" } },
      mlp: { instances: 1 },
    },
  });
});

test("servables of which some have no place need a folder", async () => {
  const text = `modelMetaDataList:${servable("InferenceModel", { modelName: "a", modelPath: "x" })}${servable("ClusterServing", { modelName: "b" })}\n`;
  await assert.rejects(read(text), { code: "USAGE" });
  assert.equal((await read(text, "models")).models, join(root, "models"));
});

test("our own settings may name models at several places, too", async () => {
  const { models } = await read("models: [{ model: a, version: 3, path: x.onnx }]\n");
  assert.deepEqual(models, [{ model: "a", version: 3, path: join(root, "x.onnx") }]);
  for (const place of [
    "model: ../a, version: 3, path: x",
    "model: a, version: ../3, path: x",
    "model: a, version: 3",
  ]) {
    await assert.rejects(read(`models: [{ ${place} }]\n`), { code: "USAGE" });
  }
});

test("servables behind the queue find their models where the command says, and the lowest limit counts", async () => {
  const limited = (modelName: string, tokensPerSecond: number): string =>
    servable("ClusterServing", {
      ...{ modelName, modelVersion: '"1"', redisHost: "elsewhere", redisTrustStoreToken: "given-away" },
      ...{ tokenBucketEnabled: true, tokensPerSecond },
    });
  const settings = await read(`modelMetaDataList:${limited("a", 30)}${limited("b", 20)}\n`, "models");
  assert.deepEqual(settings, {
    models: join(root, "models"),
    modelSettings: { a: { instances: 1 }, b: { instances: 1 } },
    clientLimits: { requestsPerSecond: 20, burst: 20, concurrent: 0 },
  });
});

test("the gateway's own settings pass as they are, and it gets the time that they give it to end", async () => {
  const settings = await read("models: m\nstreamMs: 900000\nleaveMs: 1000\ndrainMs: 60000\n");
  assert.deepEqual(settings, { models: join(root, "m"), streamMs: 900_000, leaveMs: 1_000, drainMs: 60_000 });
  assert.equal(toGraceMs(settings), 66_000);
  assert.equal(toGraceMs(await read("models: m\n")), 25_000);
});

test("what is said of the queue is read apart from what the gateway gets", async () => {
  const { queue, ...others } = await read("models: m\nqueue: { redis: { url: 'rediss://a:1', caFile: ca.crt } }\n");
  assert.deepEqual(others, { models: join(root, "m") });
  assert.deepEqual(queue?.redis, { url: "rediss://a:1", caFile: join(root, "ca.crt") });
  const both = await read("modelPath: m\njobName: clinic\nqueue: { maxRecords: 5 }\n");
  assert.deepEqual([both.queue?.job, both.queue?.limits], ["clinic", { mostRecords: 5 }]);
});

test("every file is looked for beside the settings, wherever the command is typed", async () => {
  const text = `
models: ./m
tokensFile: ./tokens
webhooks: { secretFile: ./webhook-secret, hosts: [./a] }
older: { records: { cipher: aes-128-gcm, secretFile: s, saltFile: /t } }
queue: { redis: { url: "rediss://a:1", user: u, passwordFile: ./p, certificateFile: c, privateKeyFile: ../k } }
`;
  await mkdir(join(root, "etc"), { recursive: true });
  await writeFile(join(root, "etc", "serving.yaml"), text);
  const inEtc = (name: string): string => join(root, "etc", name);
  const { queue, ...settings } = await readServeSettings(root, {
    models: undefined,
    flags: { settings: "etc/serving.yaml" },
  });
  assert.deepEqual(settings, {
    models: inEtc("m"),
    tokensFile: inEtc("tokens"),
    webhooks: { secretFile: inEtc("webhook-secret"), hosts: ["./a"] },
    older: { records: { cipher: "aes-128-gcm", secretFile: inEtc("s"), saltFile: "/t" } },
  });
  assert.deepEqual(queue?.redis, {
    ...{ url: "rediss://a:1", user: "u", passwordFile: inEtc("p"), certificateFile: inEtc("c") },
    privateKeyFile: join(root, "k"),
  });
  await assert.rejects(read("models: ''\n"), { code: "USAGE" });
});

test("files of BigDL's secrets are looked for beside the settings; what nobody could open is refused", async () => {
  const text = "models: m\nolder: { models: { cipher: aes-128-gcm, secretFile: a, saltFile: /b } }\n";
  assert.deepEqual((await read(text)).older, {
    models: { cipher: "aes-128-gcm", secretFile: join(root, "a"), saltFile: "/b" },
  });
  const usage = { code: "USAGE" };
  assert.deepEqual(await read(text, undefined, { engine: "flink" }), await read(text));
  const waiting = "models: m\nolder: { models: { cipher: aes-128-gcm } }\n";
  await assert.rejects(read(waiting), usage);
  await read(waiting, undefined, { direct: true });
});

test("what cannot be meant is refused", async () => {
  const item = "\n  - !<InferenceModelMetaData>\n    modelName: a\n    modelPath: ";
  for (const text of [
    "- no settings\n",
    "modelMetaDataList: []\n",
    "modelMetaDataList:\n  - modelName: a\n",
    "modelMetaDataList:\n  - !<ClusterServingMetaData>\n    modelVersion: 1\n",
    `modelMetaDataList:${item}x${item}y\n`,
    // Of one model one version twice; two streams; names that are no folders.
    `modelMetaDataList:${item}x\n    modelVersion: "1"${item}y\n    modelVersion: "1"\n`,
    `modelMetaDataList:${servable("ClusterServing", { modelName: "a", redisInputQueue: "s" })}${servable("ClusterServing", { modelName: "b", redisInputQueue: "t" })}\n`,
    `modelMetaDataList:${servable("ClusterServing", { modelName: "../a" })}\n`,
    "modelPath: m\njobName: {toString: }\n",
    'modelPath: m\nimageResize: "big"\n',
    "modelPath: m\nimageResize: {toString: }\n",
    "modelPath: m\npostProcessing: {toString: }\n",
    `modelMetaDataList:${item}x\n    modelVersion: {toString: }\n`,
    "models: [\n",
    "models: m\nqueue: { redis: { url: 'redis://redis.example' } }\n",
    "modelPath: m\nqueue:\n",
    `models: m\na: &a [${"1,".repeat(30)}]\nb: &b [${"*a,".repeat(30)}]\nc: [${"*b,".repeat(30)}]\n`,
  ]) {
    await assert.rejects(read(text), { code: "SERVING_CONFIG" }, text);
  }
});
