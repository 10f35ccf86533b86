// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { DEFAULT_LIMITS } from "@bulwark/tensors";
import { parseConfig } from "./config.ts";

const parse = (settings: object) => parseConfig(JSON.stringify({ models: "m", ...settings }), "test");

function findingsOf(settings: object): readonly Finding[] {
  try {
    parse(settings);
  } catch (error) {
    assert.ok(error instanceof BulwarkError && error.code === "SERVING_CONFIG");
    return error.findings;
  }
  return [];
}

const redis = { url: "redis://127.0.0.1:1" };
const durable = { redis, job: "j", keyringFile: "k", recordKey: "r", mostRecords: 1, mostBytes: 1, budgetMs: 1 };

for (const [settings, ...paths] of [
  [{ clientLimits: { requestsPerSecond: "lots", foo: 3 } }, "clientLimits.foo", "clientLimits.requestsPerSecond"],
  [{ requestMs: -5 }, "requestMs"],
  [{ requestMs: 3e9 }, "requestMs"],
  [{ maxInFlight: 0 }, "maxInFlight"],
  [{ bodyBytes: -1 }, "bodyBytes"],
  [{ canaryMs: -1 }, "canaryMs"],
  [{ httpPort: 65_536 }, "httpPort"],
  [{ tensorLimits: { foo: 1, elements: 0 } }, "tensorLimits.elements", "tensorLimits.foo"],
  [
    { older: { typo: 1, model: 7, dialect: "z", postProcessing: "best(3)", resize: { width: -1 } } },
    ...["dialect", "model", "postProcessing", "resize", "resize.width", "typo"].map((key) => `older.${key}`),
  ],
  [{ older: { records: { cipher: "rot13", secretFile: "s", saltFile: "s" } } }, "older.records.cipher"],
  [{ delivery: { clouds: "maybe", rain: "Durable" } }, "delivery.clouds", "delivery.rain"],
  [{ weights: { m: { "1": -1, x: 2 } } }, "weights.m.1", "weights.m.x"],
  [
    { modelSettings: { m: { versions: { kind: "none" }, theads: 2 } } },
    "modelSettings.m.theads",
    "modelSettings.m.versions",
  ],
  [
    { durable: { ...durable, mostRecords: "all", redis: { ...redis, password: "p" } } },
    "durable.mostRecords",
    "durable.redis.password",
  ],
  [{ webhooks: { hosts: "any" } }, "webhooks", "webhooks.hosts"],
  [{ tls: { certificate: "c", privateKey: "p" } }, "tls"],
  [{ adminCertificates: "me" }, "adminCertificates"],
] as const) {
  test(`settings are refused, all at once: ${JSON.stringify(settings).slice(0, 80)}`, () => {
    assert.deepEqual(
      findingsOf(settings)
        .map(({ path }) => path)
        .sort(),
      paths,
    );
  });
}

test("what does not fit each other is told beside values that are wrong", () => {
  assert.equal(findingsOf({ maxInFlight: 0, httpsPort: 1, delivery: { "*": "durable" } }).length, 3);
});

test("a key that is misspelt is answered with the one that is meant", () => {
  const [finding] = findingsOf({ clientLimits: { requestPerSecond: 5 } });
  assert.match(finding?.mend ?? "", /requestsPerSecond/);
});

for (const settings of [
  { bodyBytes: 10, bodiesBytes: 9 },
  { weights: { m: { "1": 0 } } },
  { adminCertificates: ["me"] },
  { older: { records: { cipher: "aes-128-gcm" } } },
]) {
  test(`settings that do not fit each other are refused: ${JSON.stringify(settings)}`, () => {
    assert.equal(findingsOf(settings).length, 1);
  });
}

test("what is left out is filled in, also within a part that is given", () => {
  const config = parse({ clientLimits: { requestsPerSecond: 5 }, tensorLimits: { tensors: 1 }, older: { model: "m" } });
  assert.deepEqual(config.clientLimits, { requestsPerSecond: 5, burst: 0, concurrent: 0 });
  assert.deepEqual(config.tensorLimits, { ...DEFAULT_LIMITS, tensors: 1 });
  assert.deepEqual(config.older, { model: "m", dialect: "b", postProcessing: "", asWritten: false });
  assert.deepEqual(config.delivery, { "*": "direct" });
  assert.deepEqual(parse({ durable, delivery: { "*": "durable" } }).durable, { ...durable, redis });
});
