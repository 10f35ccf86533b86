// SPDX-License-Identifier: Apache-2.0
// The runner on a real Redis. The engine is a double, since dying workers have to be had on demand.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { Engine } from "@bulwark/inference";
import {
  createIntake,
  createRandom,
  createWork,
  decodeResult,
  encodeRequest,
  inspectQueue,
  type Link,
  makeDataKey,
  type Names,
  nameKeys,
  type RequestContent,
  type ResultContent,
  readBareFailure,
  SEALED,
  seal,
  toRecordKeys,
  unseal,
  type Work,
} from "@bulwark/queue";
import { findRedisPrograms, startTestRedis, type TestRedis } from "@bulwark/queue/testing";
import { DEFAULT_LIMITS, decodeResult as decodeOlder, encodeRecord, type Tensor } from "@bulwark/tensors";
import { createComputer } from "./compute.ts";
import { type Runner, startRunner } from "./runner.ts";
import { createTally } from "./tally.ts";

const [program] = findRedisPrograms();
const keys = toRecordKeys({ id: "k", current: 1, versions: [{ version: 1, key: randomBytes(32).toString("base64") }] });
const fillRandom = createRandom();
const one = (value: number): Tensor => ({ name: "x", datatype: "FP32", shape: [1], data: Float32Array.of(value) });

/** What the double does when asked for a model. */
type Acts = Readonly<Record<string, (input: Tensor) => Promise<Tensor>>>;

const fail = (code: ErrorCode): never => {
  throw new BulwarkError(code, "as the test wants", "none");
};

function makeEngine(acts: Acts): Engine {
  const infer: Engine["infer"] = async (model, _version, [input]) => {
    const act = acts[model];
    if (act === undefined || input === undefined) return fail("MODEL_UNKNOWN");
    return { model, version: "1", outputs: [await act(input)] };
  };
  const infos = [{ name: "x", datatype: "FP32" as const, shape: [-1] }];
  return {
    infer,
    list: () => [{ model: "double", version: "1", state: "READY", labels: [] }],
    describe: () => ({ version: "1", inputs: infos, outputs: infos }),
  } as unknown as Engine;
}

const double = async (input: Tensor): Promise<Tensor> => one(Number(input.data[0]) * 2);

describe("the runner", { skip: program === undefined ? "no redis-server here" : false }, () => {
  let redis: TestRedis;
  let link: Link;
  let names: Names;
  const runners: Runner[] = [];
  before(async () => {
    redis = await startTestRedis(program ?? assert.fail());
    link = await redis.connect();
  });
  afterEach(async () => {
    for (const runner of runners.splice(0)) await runner.stop();
  });
  after(() => redis.stop());

  const openWork = async (consumer: string, minIdleMs: number): Promise<Work> => {
    const [reader, commands] = [await redis.connect(), await redis.connect()];
    const settings = { consumer, minIdleMs, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 100 };
    return createWork({ reader, commands, now: Date.now }, names, settings);
  };

  const run = async (
    acts: Acts,
    { job = `job-${randomUUID()}`, mostDeliveries = 3, minIdleMs = 300, report = (_event: string): void => {} } = {},
  ): Promise<Runner> => {
    names = nameKeys(job);
    const work = await openWork("e", minIdleMs);
    const computer = createComputer(makeEngine(acts), { job, keys, older: {}, fillRandom });
    const runner = startRunner(
      {
        work,
        computer,
        announce: () => "",
        follow: async () => false,
        isUnloaded: () => false,
        now: Date.now,
        report,
        tally: createTally(() => true),
      },
      { mostInFlight: 16, minIdleMs, mostDeliveries, mostWaitMs: 2_000 },
    );
    runners.push(runner);
    return runner;
  };

  /** Sends a record; gives what opens its result once it is there. */
  const ask = async (
    model: string,
    {
      content,
      budgetMs = 10_000,
      spoil = false,
      ...submission
    }: { content?: RequestContent; budgetMs?: number; spoil?: boolean; requests?: number; reply?: string } = {},
  ): Promise<() => Promise<ResultContent | ErrorCode>> => {
    const intake = createIntake(link, names, { mostRecords: 1e6, mostBytes: 1e9 });
    const uri = randomUUID();
    const place = { stream: names.job, uri, model };
    const dataKey = makeDataKey(keys, place, fillRandom);
    const plain = encodeRequest(content ?? { kind: "tensors", inputs: [one(21)] });
    const data = seal(dataKey, plain, ["request", place], fillRandom);
    if (spoil) data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
    await intake.admit({ uri, model, budgetMs, priority: "normal", serde: SEALED, data, keep: true, ...submission });
    return async () => {
      const value = await until(() => intake.readResult(uri));
      return readBareFailure(value) ?? decodeResult(unseal(dataKey, value, ["result", place]));
    };
  };
  const askFor = async (model: string, options = {}): Promise<string> => {
    const result = await (await ask(model, options))();
    if (typeof result === "string") return result;
    return result.kind === "failure" ? result.code : "answered";
  };
  const listReasons = async (): Promise<string[]> => {
    const entries = (await link.send("XRANGE", names.dead, "-", "+")) as [Buffer, Buffer[]][];
    return entries.map(([, flat]) => String(flat[flat.findIndex((field) => String(field) === "reason") + 1]));
  };

  it("answers sealed records with sealed results", async () => {
    await run({ double });
    const result = await (await ask("double"))();
    assert.deepEqual(result, { kind: "tensors", model: "double", version: "1", outputs: [one(42)] });
  });

  it("answers records of older clients, sealed by the relay or as they wrote them", async () => {
    await run({ double });
    const payload = encodeRecord([{ name: "x", shape: [1], data: Float32Array.of(21) }]).toString("base64");
    await link.send("XADD", names.job, "*", "uri", "old", "data", payload);
    const value = await until(() => link.send("HGET", names.result("old"), "value") as Promise<Buffer | null>);
    const [output] = decodeOlder(Buffer.from(String(value), "base64"), DEFAULT_LIMITS);
    assert.deepEqual(output?.data, Float32Array.of(42));
    const json = Buffer.from('{"instances":[{"x":[4]}]}');
    const sealed = await (await ask("", { content: { kind: "older", serde: "stream", data: json } }))();
    assert.ok(typeof sealed === "object" && sealed.kind === "older");
    const [from] = decodeOlder(Buffer.from(String(sealed.value), "base64"), DEFAULT_LIMITS);
    assert.deepEqual(from?.data, Float32Array.of(8));
  });

  it("answers what the asker did wrong, and buries what it could not compute", async () => {
    await run({ shape: async () => fail("TENSOR_SHAPE"), throws: async () => fail("MODEL_FAILED") });
    assert.equal(await askFor("shape"), "TENSOR_SHAPE");
    assert.equal(await askFor("nobody"), "MODEL_UNKNOWN");
    assert.deepEqual(await listReasons(), []);
    assert.equal(await askFor("throws"), "MODEL_FAILED");
    assert.equal(await askFor("double", { spoil: true }), "RECORD_TAMPERED");
    await link.send("XADD", names.job, "*", "uri", "bad", "data", "no arrow");
    await until(() => link.send("HGET", names.result("bad"), "value") as Promise<Buffer | null>);
    assert.equal(String(await link.send("HGET", names.result("bad"), "value")), "NaN");
    assert.deepEqual(await listReasons(), ["MODEL_FAILED", "RECORD_TAMPERED"]);
  });

  it("leaves it to their gateway which request of a shared record is at fault, unless their time is over", async () => {
    let tries = 0;
    const acts: Acts = {
      throws: async () => fail("MODEL_FAILED"),
      dies: async () => {
        tries++;
        return fail("ENGINE_LOST");
      },
      slow: async () => {
        await delay(150);
        return fail("MODEL_FAILED");
      },
    };
    await run(acts);
    assert.equal(await askFor("throws", { requests: 2 }), "MODEL_FAILED");
    assert.equal(await askFor("dies", { requests: 2 }), "QUEUE_SHARED");
    assert.equal(tries, 1);
    assert.deepEqual(await listReasons(), []);
    assert.equal(await askFor("slow", { requests: 2, budgetMs: 50 }), "MODEL_FAILED");
    assert.deepEqual(await listReasons(), ["MODEL_FAILED"]);
  });

  it("tries a record again whose worker died, alone, and only so often", async () => {
    let computing = 0;
    let mostBesidePoison = 0;
    let tries = 0;
    const beside = <Value>(act: () => Promise<Value>): Promise<Value> => {
      computing++;
      return delay(5)
        .then(act)
        .finally(() => computing--);
    };
    const runner = await run({
      double: (input) => beside(() => double(input)),
      poison: () =>
        beside(async () => {
          // The first time it is in company, as any record is.
          if (++tries > 1) mostBesidePoison = Math.max(mostBesidePoison, computing);
          return fail("ENGINE_LOST");
        }),
      twice: (input) => beside(async () => (++tries % 3 === 0 ? double(input) : fail("ENGINE_LOST"))),
    });
    const others = await Promise.all(Array.from({ length: 30 }, () => ask("double")));
    const poison = await ask("poison");
    const more = await Promise.all(Array.from({ length: 30 }, () => ask("double")));
    const result = await poison();
    assert.ok(typeof result === "object" && result.kind === "failure");
    assert.deepEqual([result.code, tries, mostBesidePoison], ["QUEUE_DELIVERIES", 3, 1]);
    for (const other of [...others, ...more]) assert.equal(typeof (await other()), "object");
    assert.deepEqual(await listReasons(), ["QUEUE_DELIVERIES"]);
    tries = 0;
    assert.equal(await askFor("twice"), "answered");
    assert.equal(runner.counts().dead, 1);
  });

  it("waits for an engine that is busy, and does not count it", async () => {
    let tries = 0;
    await run({ busy: async (input) => (++tries < 8 ? fail("ENGINE_BUSY") : double(input)) });
    assert.equal(await askFor("busy"), "answered");
  });

  it("does not compute what nobody waits for any more", async () => {
    names = nameKeys(`job-${randomUUID()}`);
    let computed = 0;
    const answer = await ask("late", { budgetMs: 30 });
    await delay(40);
    const late = (input: Tensor): Promise<Tensor> => {
      computed++;
      return double(input);
    };
    await run({ late }, { job: names.job });
    const result = await answer();
    assert.ok(typeof result === "object" && result.kind === "failure");
    assert.deepEqual([result.code, computed, await listReasons()], ["SERVING_DEADLINE", 0, []]);
  });

  it("buries what another engine was handed and did not end before its deadline, and computes it no more", async () => {
    names = nameKeys(`job-${randomUUID()}`);
    const other = await openWork("other", 300);
    await other.open();
    const answer = await ask("double", { budgetMs: 30 });
    assert.equal((await other.take(1, 1000)).length, 1);
    await delay(40);
    await other.leave();
    const runner = await run({ double }, { job: names.job, minIdleMs: 3_600_000 });
    const result = await answer();
    assert.ok(typeof result === "object" && result.kind === "failure");
    assert.deepEqual([result.code, await listReasons()], ["QUEUE_DELIVERIES", ["QUEUE_DELIVERIES"]]);
    assert.equal(runner.counts().answered, 0);
  });

  it("does not judge a model by an answer that cannot be written, and leaves the record to be tried again", async () => {
    names = nameKeys(`job-${randomUUID()}`);
    // Behind the last id there is none.
    await link.send("XADD", names.reply("full"), "18446744073709551615-18446744073709551615", "x", "x");
    const events: string[] = [];
    const runner = await run({ double }, { job: names.job, report: (event) => events.push(event) });
    await ask("double", { reply: "full", budgetMs: 60_000 });
    const others = await Promise.all(Array.from({ length: 20 }, () => askFor("double")));
    await until(async () => events.includes("record left"));
    const { answered, failed, dead } = runner.counts();
    assert.deepEqual([answered, failed, dead, others.filter((other) => other !== "answered")], [20, 0, 0, []]);
    await link.send("DEL", names.reply("full"));
    await until(async () => runner.counts().answered === 21);
    assert.deepEqual([(await inspectQueue(link, names)).pending, await listReasons()], [0, []]);
  });

  it("loses nothing when Redis is killed and comes back, and answers once", async () => {
    const runner = await run({ double: (input) => delay(3).then(() => double(input)) });
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask("double", { budgetMs: 60_000 })));
    await until(async () => runner.counts().answered > 20);
    await redis.kill();
    await redis.start();
    await until(async () => link.isUp());
    for (const answer of answers) assert.equal(typeof (await answer()), "object");
    const { records, pending, dead } = await until(async () => {
      const state = await inspectQueue(link, names);
      return state.pending === 0 && state;
    });
    assert.deepEqual([records.normal, pending, dead], [0, 0, 0]);
  });

  it("goes on when Redis comes back empty, without an append-only file", async () => {
    const forgetful = await startTestRedis(program ?? assert.fail(), ["appendonly no"]);
    const [whole, its] = [redis, link];
    try {
      redis = forgetful;
      link = await forgetful.connect();
      await run({ double });
      assert.equal(await askFor("double"), "answered");
      await forgetful.kill();
      await forgetful.start();
      await until(async () => link.isUp());
      assert.equal(await askFor("double"), "answered");
    } finally {
      for (const runner of runners.splice(0)) await runner.stop();
      [redis, link] = [whole, its];
      await forgetful.stop();
    }
  });

  it("takes what another engine gives back, without waiting until it counts as abandoned", async () => {
    names = nameKeys(`job-${randomUUID()}`);
    const other = await openWork("other", 300);
    await other.open();
    const answer = await ask("double", { budgetMs: 60_000 });
    assert.equal((await other.take(1, 1000)).length, 1);
    const runner = await run({ double }, { job: names.job, minIdleMs: 3_600_000 });
    await until(async () => runner.isReady());
    await other.leave();
    assert.equal(typeof (await answer()), "object");
  });

  it("ends what it has before it stops, and leaves no name behind", async () => {
    const runner = await run({ double: (input) => delay(50).then(() => double(input)) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask("double")));
    await until(async () => (await inspectQueue(link, names)).pending + runner.counts().answered === 10);
    await runner.stop();
    for (const answer of answers) assert.equal(typeof (await answer()), "object");
    assert.deepEqual((await inspectQueue(link, names)).engines, []);
  });
});

async function until<Value>(look: () => Promise<Value | undefined | null | false>): Promise<Value> {
  for (const limit = Date.now() + 10_000; ; await delay(5)) {
    const value = await look().catch(() => undefined);
    if (value !== undefined && value !== null && value !== false) return value;
    assert.ok(Date.now() < limit, "in time");
  }
}
