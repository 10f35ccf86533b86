// SPDX-License-Identifier: Apache-2.0
// What somebody puts in place of a key of ours costs nobody else a record, on each program that is installed.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { type Names, nameKeys } from "../names.ts";
import type { Answer, Delivery, Submission } from "../record.ts";
import { createRandom, toRecordKeys } from "../sealing/index.ts";
import { type REDIS_USERS, renderRights } from "../server/users.ts";
import { findRedisPrograms, type RedisProgram, startTestRedis, type TestRedis } from "../testing/index.ts";
import { listenForAnswers } from "./answers.ts";
import { listDeadLetters, reviveDeadLetters } from "./dead-letters.ts";
import { inspectQueue } from "./inspect.ts";
import { createIntake, type Intake } from "./intake.ts";
import { createLink, type Link } from "./link.ts";
import { toRedisOptions } from "./options.ts";
import { openOrders } from "./orders.ts";
import { createWork, type Work } from "./work.ts";

for (const program of findRedisPrograms()) describe(`keys of another type on ${program.name}`, () => suite(program));

function suite(program: RedisProgram): void {
  let redis: TestRedis;
  /** Everybody's rights: whoever else uses this Redis. */
  let other: Link;
  const links: Link[] = [];
  before(async () => {
    redis = await startTestRedis(program);
    other = await redis.connect();
  });
  after(async () => {
    for (const link of links) link.close();
    await redis.stop();
  });

  /** Each role with the rights that it has, and no more. */
  const connectAs = async (user: (typeof REDIS_USERS)[number], names: Names): Promise<Link> => {
    await other.send("ACL", "SETUSER", user, "reset", "on", ">p", ...renderRights(names, [user]).split(" "));
    const link = createLink(new Redis(toRedisOptions({ url: redis.url, user, password: "p" })));
    await link.connect();
    links.push(link);
    return link;
  };
  type Job = { names: Names; gateway: Link; intake: Intake; work: Work };
  const openJob = async (): Promise<Job> => {
    const names = nameKeys(`job-${randomUUID()}`);
    const gateway = await connectAs("gateway", names);
    const [reader, commands] = [await connectAs("engine", names), await connectAs("engine", names)];
    const settings = { consumer: "e", minIdleMs: 50, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 100 };
    const work = createWork({ reader, commands, now: Date.now }, names, settings);
    await work.open();
    return { names, gateway, intake: createIntake(gateway, names, { mostRecords: 1000, mostBytes: 1e9 }), work };
  };
  const submit = (uri: string, over: Partial<Submission> = {}): Submission => ({
    ...{ uri, priority: "normal", budgetMs: 60_000, model: "m", serde: "bulwark", data: Buffer.from("payload") },
    ...over,
  });
  const takeAll = async (work: Work, count: number): Promise<Delivery[]> => {
    const taken: Delivery[] = [];
    for (const limit = Date.now() + 5_000; taken.length < count; ) {
      taken.push(...(await work.take(count, 20)));
      assert.ok(Date.now() < limit, `${taken.length} of ${count}`);
    }
    return taken;
  };
  const finishAll = (work: Work, deliveries: readonly Delivery[], reason?: string) =>
    Promise.all(
      deliveries.map((delivery) =>
        work.finish({ delivery, value: `of ${delivery.uri}`, ...(reason === undefined ? {} : { reason }) }),
      ),
    );
  const readAll = (intake: Intake, uris: readonly string[]) =>
    Promise.all(uris.map(async (uri) => String(await intake.readResult(uri))));
  const URIS = ["a", "evil", "b"];
  const ANSWERED = URIS.map((uri) => `of ${uri}`);

  it("a result is written in place of it, and all records of its step end", async () => {
    const { names, intake, work } = await openJob();
    for (const uri of URIS) await intake.admit(submit(uri));
    await other.send("SET", names.result("evil"), "x");
    assert.deepEqual(await finishAll(work, await takeAll(work, 3)), [true, true, true]);
    assert.deepEqual(await readAll(intake, URIS), ANSWERED);
    const { records, pending, bytes } = await inspectQueue(other, names);
    assert.deepEqual([records.normal, pending, bytes], [0, 0, 0]);
  });

  it("an answer is written in place of it, and reaches its gateway", async () => {
    const { names, gateway, intake, work } = await openJob();
    await other.send("SADD", names.reply("gw"), "x");
    const answers: Answer[] = [];
    const channel = listenForAnswers({
      ...{ reader: await connectAs("gateway", names), commands: gateway, names, instance: "gw" },
      ...{ pause: delay, onAnswer: (answer) => answers.push(answer) },
    });
    try {
      for (const uri of URIS) await intake.admit(submit(uri, { reply: "gw" }));
      assert.deepEqual(await finishAll(work, await takeAll(work, 3)), [true, true, true]);
      for (const limit = Date.now() + 5_000; answers.length < 3; await delay(5)) assert.ok(Date.now() < limit);
    } finally {
      channel.close();
      await channel.done;
    }
    assert.deepEqual(answers.map(({ value }) => String(value)).toSorted(), ANSWERED.toSorted());
  });

  it("dead letters are kept in place of it, and counted", async () => {
    const { names, intake, work } = await openJob();
    for (const uri of URIS) await intake.admit(submit(uri));
    await other.send("SET", names.dead, "x");
    await other.send("SET", names.dropped, "x");
    assert.deepEqual(await finishAll(work, await takeAll(work, 3), "MODEL_FAILED"), [true, true, true]);
    assert.deepEqual((await listDeadLetters(other, names, 10)).map(({ uri }) => uri).toSorted(), URIS.toSorted());
    assert.deepEqual(await readAll(intake, URIS), ANSWERED);
  });

  it("what cannot be written costs its record alone, which stays pending", async () => {
    const { names, intake, work } = await openJob();
    for (const uri of URIS) await intake.admit(submit(uri));
    const deliveries = await takeAll(work, 3);
    // Behind the last id there is none.
    await other.send("XADD", names.dead, "18446744073709551615-18446744073709551615", "x", "x");
    const ended = await Promise.allSettled(
      deliveries.map((delivery) =>
        work.finish({ delivery, value: `of ${delivery.uri}`, reason: delivery.uri === "evil" ? "MODEL_FAILED" : "" }),
      ),
    );
    assert.deepEqual(
      ended.map((one) => (one.status === "fulfilled" ? one.value : one.reason.code)),
      [true, "BUG", true],
    );
    const { pending, bytes } = await inspectQueue(other, names);
    assert.deepEqual([pending, bytes], [1, deliveries[1]?.size]);
    await other.send("DEL", names.dead);
    assert.deepEqual(await finishAll(work, deliveries.slice(1, 2), "MODEL_FAILED"), [true]);
    assert.deepEqual(await readAll(intake, URIS), ANSWERED);
  });

  for (const [what, ...put] of [
    ["no number", "SET", "x"],
    ["no text", "RPUSH", "x"],
    ["too large a number", "SET", "-9223372036854775808"],
  ] as const) {
    it(`a counter that holds ${what} starts anew, and stops nobody`, async () => {
      const { names, intake, work } = await openJob();
      const spoil = async (): Promise<void> => {
        for (const key of [names.bytes, names.lost, names.left, names.dropped]) {
          await other.send("DEL", key);
          await other.send(put[0], key, put[1]);
        }
      };
      for (const uri of URIS) await intake.admit(submit(uri));
      const deliveries = await takeAll(work, 3);
      await spoil();
      const late = await intake.admit(submit("late"));
      await spoil();
      assert.equal(await intake.withdraw(late), true);
      await spoil();
      assert.deepEqual(await finishAll(work, deliveries.slice(0, 2), "MODEL_FAILED"), [true, true]);
      await spoil();
      const letters = (await listDeadLetters(other, names, 10)).map(({ letter }) => letter);
      assert.deepEqual(await reviveDeadLetters(other, names, letters.slice(0, 1)), letters.slice(0, 1));
      await spoil();
      await work.beat("m");
      await other.send("XDEL", names.job, deliveries[2]?.id ?? "");
      const [own] = [await Array.fromAsync(work.own()), await delay(60)];
      assert.deepEqual([own, work.lost()], [[], 0], "it is held");
      work.drop(deliveries[2] ?? assert.fail());
      assert.deepEqual([await Array.fromAsync(work.abandoned()), work.lost()], [[], 1]);
      await work.leave();
    });
  }

  it("one stream that was written over stops neither the others, nor itself for long", async () => {
    const { names, intake, work } = await openJob();
    const [high, , low] = names.streams;
    await other.send("SET", low, "x");
    const admitted = await Promise.allSettled([
      intake.admit(submit("a", { priority: "high" })),
      intake.admit(submit("gone", { priority: "low" })),
      intake.admit(submit("b")),
    ]);
    assert.deepEqual(
      admitted.map((one) => (one.status === "fulfilled" ? one.value.uri : one.reason.code)),
      ["a", "BUG", "b"],
    );
    const deliveries = await takeAll(work, 2);
    assert.deepEqual(
      deliveries.map(({ uri }) => uri),
      ["a", "b"],
    );
    await other.send("SET", high, "x");
    const waiting = await intake.admit(submit("c"));
    const ended = await Promise.allSettled(deliveries.map((delivery) => work.finish({ delivery, value: "x" })));
    assert.deepEqual(
      ended.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );
    const lost = { ...waiting, priority: "high" } as const;
    assert.deepEqual(await Promise.all([lost, waiting].map(intake.withdraw)), [false, true]);
    // Nothing waits: the next look finds what stands in the way.
    for (let looks = 0; looks < 3; looks++) await work.take(6, 1);
    for (const priority of ["high", "normal", "low"] as const) await intake.admit(submit(priority, { priority }));
    assert.equal((await takeAll(work, 3)).length, 3);
  });

  it("what stood there before the first engine is left alone: it may be another program's", async () => {
    const names = nameKeys(`job-${randomUUID()}`);
    await other.send("SET", names.job, "theirs");
    const commands = await connectAs("engine", names);
    const settings = { consumer: "e", minIdleMs: 50, resultTtlMs: 1, replyTtlMs: 1, mostDead: 1 };
    const work = createWork({ reader: commands, commands, now: Date.now }, names, settings);
    await assert.rejects(work.open(), { code: "BUG" });
    assert.equal(String(await other.send("GET", names.job)), "theirs");
  });

  it("engines are known, and orders are read", async () => {
    const { names, gateway, work } = await openJob();
    const keys = toRecordKeys({
      ...{ id: "k", current: 1 },
      versions: [{ version: 1, key: randomBytes(32).toString("base64") }],
    });
    const fillRandom = createRandom();
    const [giver, follower] = [gateway, await connectAs("engine", names)].map((link) =>
      openOrders({ link, names, keys, fillRandom }),
    );
    for (const key of [names.engines, names.orders]) await other.send("SET", key, "x");
    await work.beat("m");
    assert.deepEqual((await inspectQueue(other, names)).engines, ["e"]);
    assert.deepEqual(await follower?.readNew(), []);
    const id = await giver?.give("m", "load");
    assert.deepEqual(await follower?.readNew(), [{ id, model: "m", verb: "load" }]);
  });
}
