// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { writeMlp } from "@bulwark/inference/testing";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const home = createTestFolder();
const { run, failureOf } = createRunner(home);
const folder = join(home, ".local", "state", "bulwark", "serving");
const settingsFile = join(home, "serving.yaml");
await writeFile(join(home, "mlp.onnx"), writeMlp([4, 8, 2]));

const PORTS = "--http-port 0 --https-port 0 --grpc-port 0";

test("flags and settings that do not go together are refused before anything is written", async () => {
  for (const [settings, flags] of [
    ["", "--direct --engine flink"],
    ["", "--direct --engines 2"],
    ["", "--engine flink --engines 2"],
    ["", "--parallelism 2"],
    ["", "--host 0.0.0.0"],
    ["host: '::'", ""],
    ["delivery: { mlp: durable }", "--direct"],
    ["older: { models: { cipher: aes-128-gcm } }", ""],
  ] as const) {
    await writeFile(settingsFile, `models: mlp.onnx\n${settings}\n`);
    const { code } = await failureOf(`serve --settings serving.yaml ${PORTS} ${flags}`.trim());
    assert.equal(code, "USAGE", `${settings} ${flags}`);
  }
  assert.equal(existsSync(folder), false);
  const { findings } = await failureOf("serve mlp.onnx --direct --engines 2 --parallelism 2 --host 0.0.0.0");
  assert.deepEqual(
    findings.map(({ code }) => code),
    ["USAGE", "USAGE", "USAGE"],
  );
});

test("what neither gateway nor engine would take is refused before anything is written, with the settings file", async () => {
  for (const settings of [
    "older: { postProcessing: topX(3) }",
    "older: { postProcessing: 3 }",
    "older: { records: { cipher: rot13 } }",
    "older: { models: { cipher: aes-128-gcm, secretFile: s } }",
    "modelSettings: { mlp: { instances: 0 } }",
    "older: { dialect: z }",
    "delivery: { mlp: Durable }",
    "clientLimits: { requestsPerSecond: lots }",
    "requestMs: -5",
    "tokenFile: tokens",
    "modelSettings: 3",
  ]) {
    await writeFile(settingsFile, `models: mlp.onnx\n${settings}\n`);
    const { code, mend } = await failureOf(`serve --settings serving.yaml ${PORTS}`);
    assert.deepEqual([code, mend.includes(settingsFile)], ["SERVING_CONFIG", true], settings);
  }
  await writeFile(settingsFile, "modelPath: mlp.onnx\npostProcessing: topX(3)\n");
  assert.equal((await failureOf(`serve --settings serving.yaml ${PORTS}`)).code, "SERVING_CONFIG");
  assert.equal(existsSync(folder), false);
});

test("what the gateway alone refuses is to be mended in the settings file, too", async () => {
  await writeFile(settingsFile, 'models: mlp.onnx\nweights: { mlp: { "1": 1, "2": 1 } }\n');
  const { code, mend } = await failureOf(`serve --settings serving.yaml --direct ${PORTS}`);
  assert.deepEqual([code, mend.includes(settingsFile), mend.includes("gateway.json")], ["SERVING_CONFIG", true, false]);
});

test("delivery through a queue says what the queue lacks: keys, then redis-server", async () => {
  await writeFile(settingsFile, 'models: mlp.onnx\ndelivery: { "*": durable }\n');
  assert.equal((await failureOf(`serve --settings serving.yaml ${PORTS}`)).code, "KEYS_MISSING");
  await run("keys init");
  const env = { PATH: join(home, "nothing") };
  assert.equal((await failureOf(`serve --settings serving.yaml ${PORTS}`, { env })).code, "REDIS_MISSING");
});
