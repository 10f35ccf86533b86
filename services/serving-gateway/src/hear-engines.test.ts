// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CarriedOut,
  createAnnouncedCatalog,
  type Engine,
  LONGEST_ANNOUNCEMENT_BYTES,
  writeAnnouncement,
} from "@bulwark/inference";
import { fingerprintKeys, type KeyFingerprint } from "@bulwark/queue";
import { parseConfig } from "./config.ts";
import { hearEngines } from "./hear-engines.ts";
import { joinModels } from "./models.ts";
import { createQueuedStatistics } from "./queued-statistics.ts";
import { createSilentModels } from "./silent-models.ts";

const say = (model: string, carriedOut?: CarriedOut, recordKeys?: readonly KeyFingerprint[]): Buffer => {
  const catalog: Parameters<typeof writeAnnouncement>[0] = {
    list: () => [{ model, version: "1", state: "READY", labels: [] }],
    describe: () => ({ version: "1", inputs: [], outputs: [] }),
  };
  return Buffer.from(writeAnnouncement(catalog, { carriedOut, recordKeys }));
};
const fingerprint = (byte: number): KeyFingerprint[] =>
  fingerprintKeys({ id: "k", versions: [{ version: 1, key: Buffer.alloc(32, byte).toString("base64") }] });

test("what one engine says that cannot be read is reported once, and hides no other engine", () => {
  const catalog = createAnnouncedCatalog(() => true);
  const reports: [string, object][] = [];
  const hear = hearEngines(catalog, (event, details) => reports.push([event, details]));
  const said = new Map([
    ["broken", Buffer.from("{")],
    ["sound", say("m")],
  ]);
  hear(said);
  hear(new Map(said));
  assert.equal(catalog.isReady("m"), true);
  assert.equal(reports.length, 1);
  assert.partialDeepStrictEqual(reports[0], [
    "announcement ignored",
    { engine: "broken", code: "ANNOUNCEMENT_MALFORMED" },
  ]);
  hear(said.set("broken", say("n")));
  assert.deepEqual([catalog.isReady("n"), reports.length], [true, 1]);
  hear(new Map());
  assert.equal(catalog.isReady("m"), false);
});

test("an engine that cannot be heard keeps no order from the others", async () => {
  const heard: string[][] = [];
  const catalog = createAnnouncedCatalog(() => true);
  const hear = hearEngines(catalog, () => {}, { hearOrders: (carriedOut) => void heard.push([...carriedOut.keys()]) });
  hear(
    new Map([
      ["empty", Buffer.alloc(0)],
      ["large", Buffer.alloc(LONGEST_ANNOUNCEMENT_BYTES + 1, " ")],
      ["sound", say("m")],
    ]),
  );
  assert.deepEqual([heard, catalog.isReady("m")], [[["sound"]], true]);
});

test("an engine whose keys are others than ours is reported once, and heard", () => {
  const catalog = createAnnouncedCatalog(() => true);
  const ours = fingerprint(1);
  const reports: object[] = [];
  const hear = hearEngines(catalog, (event, details) => reports.push({ event, ...details }), { recordKeys: ours });
  const told = (recordKeys: KeyFingerprint[] | undefined, upTo: string) => say("m", { upTo, failures: [] }, recordKeys);
  hear(new Map([["same", told(ours, "1-0")]]));
  // One of before this was told of, and one with a version that is not ours.
  hear(new Map([["older", told(undefined, "1-0")]]));
  hear(new Map([["newer", told([{ ...ours[0], version: 9, check: "" } as KeyFingerprint], "1-0")]]));
  assert.deepEqual(reports, []);
  for (const upTo of ["1-0", "1-0", "2-0"]) hear(new Map([["another", told(fingerprint(2), upTo)]]));
  const said = { event: "record keys differ", engine: "another", code: "RECORD_KEY_MISMATCH", keys: "k 1" };
  assert.deepEqual(reports, [said]);
  assert.equal(catalog.isReady("m"), true);
  hear(new Map([["another", told(ours, "2-0")]]));
  hear(new Map([["another", told(fingerprint(2), "2-0")]]));
  assert.deepEqual(reports, [said, said], "and again when it was mended");
});

test("each model is known from where it is computed, and loaded there alone", async () => {
  const announced = createAnnouncedCatalog((model) => model.startsWith("queued"));
  hearEngines(announced, () => {})(new Map([["e", say("queued")]]));
  const loaded: string[] = [];
  const ordered: string[][] = [];
  const here = {
    list: () => [{ model: "here", version: "2", state: "READY", labels: [] }],
    isReady: () => true,
    describe: () => ({ version: "2", inputs: [], outputs: [] }),
    statistics: () => [],
    load: async (model: string) => void loaded.push(model),
    unload: async (model: string) => void loaded.push(model),
  } as unknown as Engine;
  const models = joinModels({
    ...{ engine: here, announced, isQueued: (model: string) => model.startsWith("queued") },
    queued: createQueuedStatistics(Date.now),
    silent: createSilentModels(),
    order: async (...order: string[]) => void ordered.push(order),
  });
  assert.deepEqual(
    models.list().map(({ model }) => model),
    ["here", "queued"],
  );
  assert.deepEqual([models.describe("here").version, models.describe("queued").version], ["2", "1"]);
  assert.deepEqual([models.isReady(), models.isReady("queued", "1")], [true, true]);
  await models.load("here");
  await models.unload("here");
  assert.deepEqual(loaded, ["here", "here"]);
  await models.load("queued");
  await models.unload("queued");
  assert.deepEqual(ordered, [
    ["queued", "load"],
    ["queued", "unload"],
  ]);
});

test("models must be named unless every one is delivered through the queue", () => {
  const durable = {
    ...{ redis: { url: "rediss://r" }, job: "serving_stream", keyringFile: "k", recordKey: "serving-records" },
    ...{ mostRecords: 1, mostBytes: 1, budgetMs: 1 },
  };
  const read = (settings: object) => () => parseConfig(JSON.stringify({ durable, ...settings }), "test");
  read({ delivery: { "*": "durable" } })();
  read({ delivery: { "*": "durable", a: "durable" } })();
  for (const delivery of [undefined, {}, { a: "durable" }, { "*": "durable", a: "direct" }]) {
    assert.throws(read({ delivery }), { code: "SERVING_CONFIG" }, JSON.stringify(delivery));
  }
});
