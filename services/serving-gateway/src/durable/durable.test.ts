// SPDX-License-Identifier: Apache-2.0
// Delivery through a real Redis. The other side is played by the test, on the queue itself.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  createRandom,
  createWork,
  type Delivery,
  decodeRequest,
  encodeBareFailure,
  encodeResult,
  type Names,
  nameKeys,
  type ResultContent,
  readDataKey,
  seal,
  toRecordKeys,
  unseal,
  type Work,
} from "@bulwark/queue";
import { findRedisPrograms, startTestRedis, type TestRedis } from "@bulwark/queue/testing";
import type { Tensor } from "@bulwark/tensors";
import { createDurable, type Durable } from "./durable.ts";

const [program] = findRedisPrograms();
const keys = toRecordKeys({ id: "k", current: 1, versions: [{ version: 1, key: randomBytes(32).toString("base64") }] });
const fillRandom = createRandom();
const one = (value: number): Tensor => ({ name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(value) });

describe("delivery through the queue", { skip: program === undefined ? "no redis-server here" : false }, () => {
  let redis: TestRedis;
  let names: Names;
  const open: Durable[] = [];
  before(async () => {
    redis = await startTestRedis(program ?? assert.fail(), ["maxmemory 60mb"]);
  });
  afterEach(async () => {
    for (const durable of open.splice(0)) await durable.close();
  });
  after(() => redis.stop());

  const openGateway = async (job = `job-${randomUUID()}`, mostRecords = 1e6): Promise<Durable> => {
    names = nameKeys(job);
    const durable = createDurable({
      ...{ commands: await redis.connect(), reader: await redis.connect(), names, instance: randomUUID(), keys },
      ...{ limits: { mostRecords, mostBytes: 1e9 }, budgetMs: 10_000, now: Date.now, makeId: randomUUID, fillRandom },
      pause: (ms) => delay(ms),
    });
    await durable.watch.looked;
    open.push(durable);
    return durable;
  };

  const openEngine = async (): Promise<Work> => {
    const [reader, commands] = [await redis.connect(), await redis.connect()];
    const settings = { consumer: "e", minIdleMs: 60_000, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 100 };
    const work = createWork({ reader, commands, now: Date.now }, names, settings);
    await work.open();
    await work.beat("");
    return work;
  };

  const answer = async (work: Work, delivery: Delivery, change: Partial<Tensor> | ResultContent): Promise<void> => {
    const place = { stream: names.job, uri: delivery.uri, model: delivery.model ?? "" };
    const dataKey = readDataKey(keys, delivery.data, place);
    const content = decodeRequest(unseal(dataKey, delivery.data, ["request", place]));
    assert.ok(content.kind === "tensors");
    const outputs = content.inputs.map((input) => ({ ...input, ...change }) as Tensor);
    const result: ResultContent =
      "kind" in change ? change : { kind: "tensors", model: place.model, version: content.version ?? "1", outputs };
    await work.finish({ delivery, value: seal(dataKey, encodeResult(result), ["result", place], fillRandom) });
  };

  /** Answers so many records. */
  const serve = async (work: Work, count: number, change: Partial<Tensor> | ResultContent = {}): Promise<void> => {
    for (let answered = 0; answered < count; ) {
      for (const delivery of await work.take(64, 500)) {
        await answer(work, delivery, change);
        answered++;
      }
    }
  };

  it("gives each caller his own answer", async () => {
    const gateway = await openGateway();
    const work = await openEngine();
    const asked = Array.from({ length: 200 }, (_, index) => gateway.infer("m", "7", [one(index)]));
    await serve(work, 200);
    for (const [index, inference] of (await Promise.all(asked)).entries()) {
      assert.deepEqual(inference, { model: "m", version: "7", outputs: [one(index)] });
    }
  });

  it("passes on what the engine failed with", async () => {
    const gateway = await openGateway();
    const work = await openEngine();
    const failure = { code: "TENSOR_SHAPE" as const, message: "the shape is wrong", mend: "mend it" };
    const failed = assert.rejects(gateway.infer("m", undefined, [one(1)]), failure);
    await serve(work, 1, { kind: "failure", ...failure });
    await failed;
    const unopened = assert.rejects(gateway.infer("m", undefined, [one(1)]), { code: "RECORD_KEY_UNKNOWN" });
    const [delivery] = await work.take(1, 1000);
    await work.finish({ delivery: delivery ?? assert.fail(), value: encodeBareFailure("RECORD_KEY_UNKNOWN") });
    await unopened;
  });

  it("takes no answer of another record for its own", async () => {
    const gateway = await openGateway();
    const work = await openEngine();
    const asked = [gateway.infer("m", undefined, [one(1)]), gateway.infer("m", undefined, [one(2)])];
    const settled = Promise.allSettled(asked);
    const deliveries: Delivery[] = [];
    while (deliveries.length < 2) deliveries.push(...(await work.take(2, 500)));
    const [first, second] = deliveries as [Delivery, Delivery];
    // Whoever rules Redis swaps the records: the engine answers each under the other's name.
    const swapped = { ...first, uri: second.uri };
    await assert.rejects(answer(work, { ...swapped, data: first.data }, {}), { code: "RECORD_TAMPERED" });
    const place = { stream: names.job, uri: first.uri, model: "m" };
    const value = seal(readDataKey(keys, first.data, place), Buffer.from("x"), ["result", place], fillRandom);
    await work.finish({ delivery: { ...second }, value });
    await answer(work, first, {});
    assert.deepEqual(
      (await settled).map((result) => (result.status === "rejected" ? result.reason.code : "answered")).sort(),
      ["RECORD_TAMPERED", "answered"],
    );
  });

  it("says that no engine is there, at the deadline, and takes the record back", async () => {
    const gateway = await openGateway();
    const startedAt = Date.now();
    await assert.rejects(gateway.infer("m", undefined, [one(1)], { deadline: startedAt + 150 }), {
      code: "ENGINE_ABSENT",
    });
    assert.ok(Date.now() - startedAt < 1_000);
    const work = await openEngine();
    assert.deepEqual(await work.take(1, 100), []);
  });

  it("takes back the record of a caller who went away", async () => {
    const gateway = await openGateway();
    let isGone = false;
    const asked = gateway.infer("m", undefined, [one(1)], { isGone: () => isGone });
    const link = await redis.connect();
    await until(async () => Number(await link.send("XLEN", names.job)) === 1);
    isGone = true;
    await assert.rejects(asked, { code: "SERVING_CANCELLED" });
    await until(async () => Number(await link.send("XLEN", names.job)) === 0);
  });

  it("refuses what there is no room for: as many as may wait, and all of Redis's memory", async () => {
    const full = await openGateway(undefined, 0);
    await assert.rejects(full.infer("m", undefined, [one(1)]), { code: "QUEUE_FULL" });
    const gateway = await openGateway();
    const work = await openEngine();
    const large: Tensor = { name: "x", datatype: "UINT8", shape: [8e6], data: new Uint8Array(8e6) };
    const asked: Promise<unknown>[] = [];
    const codes: string[] = [];
    for (let count = 0; count < 12; count++) {
      const submission = gateway.submit("m", undefined, [large], { deadline: Date.now() + 60_000 });
      asked.push(submission.catch((error) => codes.push(error.code)));
      await submission.catch(() => {});
    }
    await Promise.all(asked);
    assert.ok(codes.length > 0 && codes.length < 12, `${codes.length} refused`);
    assert.ok(
      codes.every((code) => code === "QUEUE_FULL"),
      String(codes),
    );
    // A full Redis can still be emptied: ending records makes the room.
    await serve(work, 12 - codes.length, { kind: "failure", code: "MODEL_FAILED", message: "", mend: "" });
    // Redis gives back the buffers of its connections a little later.
    await until(() =>
      gateway.submit("m", undefined, [one(1)]).then(
        () => true,
        () => false,
      ),
    );
  });

  it("keeps the result of a submitted request for any gateway", async () => {
    const gateway = await openGateway();
    const work = await openEngine();
    const { id } = await gateway.submit("model/é", undefined, [one(5)]);
    assert.equal(await gateway.result(id), "pending");
    const polled = gateway.result(id, { waitMs: 5_000 });
    await serve(work, 1);
    const inference = { model: "model/é", version: "1", outputs: [one(5)] };
    assert.deepEqual(await polled, inference);
    assert.deepEqual(await (await openGateway(names.job)).result(id), inference);
    await assert.rejects(gateway.result("nonsense"), { code: "RESULT_UNKNOWN" });
    await assert.rejects(gateway.result(id.replace(/^~.{8}/, "~00000000")), { code: "RESULT_UNKNOWN" });
  });

  it("gets its answers although Redis was killed while they were computed", async () => {
    const gateway = await openGateway();
    const work = await openEngine();
    const asked = Array.from({ length: 20 }, (_, index) => gateway.infer("m", undefined, [one(index)]));
    const settled = Promise.allSettled(asked);
    const taken: Delivery[] = [];
    while (taken.length < 20) taken.push(...(await work.take(20, 500)));
    await redis.kill();
    await assert.rejects(gateway.infer("m", undefined, [one(0)]), { code: "QUEUE_UNREACHABLE" });
    await redis.start();
    for (const delivery of taken)
      await until(() =>
        answer(work, delivery, {}).then(
          () => true,
          () => false,
        ),
      );
    assert.ok((await settled).every(({ status }) => status === "fulfilled"));
  });

  it("answers within the deadline when Redis hangs", async () => {
    const gateway = await openGateway();
    process.kill(redis.pid(), "SIGSTOP");
    try {
      const startedAt = Date.now();
      const asked = gateway.infer("m", undefined, [one(0)], { deadline: startedAt + 300 });
      await assert.rejects(asked, { code: "QUEUE_UNREACHABLE" });
      assert.ok(Date.now() - startedAt < 1_000);
    } finally {
      process.kill(redis.pid(), "SIGCONT");
    }
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + 5_000; !(await holds()); await delay(10)) assert.ok(Date.now() < limit, "in time");
}
