// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
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

test("servables bring their copies, their limits, and their versions as labels", async () => {
  const text = `
modelMetaDataList:
  - !<InferenceModelMetaData>
    modelName: resnet
    modelVersion: "1.0"
    modelPath: ./resnet.onnx
    modelType: OpenVINO
    modelConCurrentNum: 2
`;
  assert.deepEqual(await read(text), {
    models: join(root, "resnet.onnx"),
    modelName: "resnet",
    modelSettings: { resnet: { instances: 2, labels: { "1.0": "1" } } },
    older: { model: "resnet" },
  });
});

test("servables behind the queue find their models where the command says, and the lowest limit counts", async () => {
  const servable = (name: string, rate: number) => `
  - !<ClusterServingMetaData>
    modelName: ${name}
    modelVersion: "1"
    redisHost: elsewhere
    redisTrustStoreToken: given-away
    tokenBucketEnabled: true
    tokensPerSecond: ${rate}
`;
  const settings = await read(`modelMetaDataList:${servable("a", 30)}${servable("b", 20)}`, "models");
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

test("files of BigDL's secrets are looked for beside the settings; what nobody could open is refused", async () => {
  const text = "models: m\nolder: { models: { cipher: aes-128-gcm, secretFile: a, saltFile: /b } }\n";
  assert.deepEqual((await read(text)).older, {
    models: { cipher: "aes-128-gcm", secretFile: join(root, "a"), saltFile: "/b" },
  });
  const usage = { code: "USAGE" };
  await assert.rejects(read(text, undefined, { engine: "flink" }), usage);
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
    `modelMetaDataList:${item}x${item.replace(": a", ": b")}y\n`,
    'modelPath: m\nimageResize: "big"\n',
    "modelPath: m\nimageResize: {toString: }\n",
    "modelPath: m\npostProcessing: {toString: }\n",
    `modelMetaDataList:${item}x\n    modelVersion: {toString: }\n`,
    "models: [\n",
    `models: m\na: &a [${"1,".repeat(30)}]\nb: &b [${"*a,".repeat(30)}]\nc: [${"*b,".repeat(30)}]\n`,
  ]) {
    await assert.rejects(read(text, "models"), { code: "SERVING_CONFIG" }, text);
  }
});
