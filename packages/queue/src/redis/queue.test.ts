// SPDX-License-Identifier: Apache-2.0
// What every back end of the queue must do, on each program that is installed.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Names, nameKeys } from "../names.ts";
import type { Answer, Delivery, Submission } from "../record.ts";
import { findRedisPrograms, type RedisProgram, startTestRedis, type TestRedis } from "../testing/index.ts";
import { readAnnouncements } from "./announcements.ts";
import { listenForAnswers } from "./answers.ts";
import { dropDeadLetters, listDeadLetters, reviveDeadLetters } from "./dead-letters.ts";
import { ENGINE_SILENCE_MS, inspectQueue } from "./inspect.ts";
import { createIntake } from "./intake.ts";
import type { Link } from "./link.ts";
import { asList } from "./read-entry.ts";
import { createWork, type Work } from "./work.ts";

const MIN_IDLE_MS = 100;
const programs = findRedisPrograms();

it("is tried on a real server", { skip: programs.length > 0 ? false : "no redis-server here" }, () => {
  assert.ok(programs.length > 0);
});
for (const program of programs) describe(`queue on ${program.name}`, () => suite(program));

function suite(program: RedisProgram): void {
  let redis: TestRedis;
  let link: Link;
  before(async () => {
    redis = await startTestRedis(program);
    link = await redis.connect();
  });
  after(() => redis.stop());

  const makeJob = (): Names => nameKeys(`job-${randomUUID()}`);
  const openIntake = (names: Names, mostRecords = 1000, mostBytes = 1e9) =>
    createIntake(link, names, { mostRecords, mostBytes });
  const openWork = async (
    names: Names,
    consumer = "engine-1",
    { now = Date.now, minIdleMs = MIN_IDLE_MS }: { now?: () => number; minIdleMs?: number } = {},
  ): Promise<Work> => {
    const reader = await redis.connect();
    const settings = { consumer, minIdleMs, resultTtlMs: 60_000, replyTtlMs: 60_000, mostDead: 100 };
    const work = createWork({ reader, commands: link, now }, names, settings);
    await work.open();
    return work;
  };
  const submit = (over: Partial<Submission> = {}): Submission => ({
    ...{ uri: randomUUID(), priority: "normal", budgetMs: 60_000, model: "m", serde: "bulwark" },
    data: Buffer.from("payload"),
    ...over,
  });
  const takeOne = async (work: Work): Promise<Delivery> => {
    const [delivery] = await work.take(1, 1000);
    assert.ok(delivery);
    return delivery;
  };

  it("hands a record out once, with what it came in with, and keeps its result", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    const data = Buffer.from([0, 255, 13, 10, 0]);
    const submission = submit({ data, keep: true });
    const receipt = await intake.admit(submission);
    const delivery = await takeOne(work);
    assert.deepEqual(delivery.data, data);
    assert.equal(delivery.uri, submission.uri);
    assert.equal(delivery.id, receipt.id);
    assert.equal(delivery.deliveries, 1);
    assert.equal(delivery.model, "m");
    assert.deepEqual(await work.take(1, 1), []);
    assert.equal(await intake.readResult(submission.uri), undefined);
    assert.equal(await work.finish({ delivery, value: Buffer.from([1, 0, 2]) }), true);
    assert.deepEqual(await intake.readResult(submission.uri), Buffer.from([1, 0, 2]));
    const state = await inspectQueue(link, names);
    assert.deepEqual([state.records.normal, state.pending, state.bytes, state.oldestMs], [0, 0, 0, 0]);
    const life = Number(await link.send("PTTL", names.result(submission.uri)));
    assert.ok(life > 0 && life <= 60_000);
  });

  it("lets dead letters be computed again, with nobody waiting, or drops them", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    const submission = submit({ priority: "high", reply: "gone" });
    await intake.admit(submission);
    await intake.admit(submit());
    for (let count = 0; count < 2; count++) {
      await work.finish({ delivery: await takeOne(work), value: "NaN", reason: "MODEL_FAILED" });
    }
    const [second, first] = await listDeadLetters(link, names, 10);
    const letter = first?.letter ?? assert.fail();
    assert.equal(await dropDeadLetters(link, names, [second?.letter ?? "", "1-1"]), 1);
    assert.deepEqual(await reviveDeadLetters(link, names, [letter, "1-1"]), [letter]);
    assert.deepEqual(await reviveDeadLetters(link, names, [letter]), []);
    const state = await inspectQueue(link, names);
    assert.deepEqual([state.dead, state.records.high, state.bytes], [0, 1, submission.data.byteLength]);
    const delivery = await takeOne(work);
    assert.deepEqual(
      [delivery.uri, delivery.model, delivery.deliveries, delivery.keep, delivery.reply, delivery.priority],
      [submission.uri, "m", 1, true, undefined, "high"],
    );
    assert.deepEqual(delivery.data, submission.data);
    await work.finish({ delivery, value: Buffer.from("now") });
    assert.deepEqual(await intake.readResult(submission.uri), Buffer.from("now"));
    assert.equal((await inspectQueue(link, names)).bytes, 0);
  });

  it("lets who ends a record first have the say", async () => {
    const names = makeJob();
    const [intake, slow, quick] = [openIntake(names), await openWork(names, "slow"), await openWork(names, "quick")];
    const { uri } = submit();
    await intake.admit(submit({ uri, keep: true }));
    const first = await takeOne(slow);
    await delay(MIN_IDLE_MS + 20);
    const [second] = await Array.fromAsync(quick.abandoned());
    assert.ok(second);
    assert.equal(second.deliveries, 2);
    assert.equal(await quick.finish({ delivery: second, value: "right" }), true);
    assert.equal(await slow.finish({ delivery: first, value: "late" }), false);
    assert.equal(String(await intake.readResult(uri)), "right");
    assert.equal((await inspectQueue(link, names)).bytes, 0);
  });

  it("gives a restarted engine its own records first, one at a time, and counts each time", async () => {
    const names = makeJob();
    const intake = openIntake(names);
    for (const uri of ["a", "b", "c"]) await intake.admit(submit({ uri }));
    const before = await openWork(names, "engine-7");
    assert.equal((await before.take(3, 100)).length, 3);
    const restarted = await openWork(names, "engine-7");
    const own = restarted.own();
    const first = (await own.next()).value as Delivery;
    assert.deepEqual([first.uri, first.deliveries], ["a", 2]);
    // The process dies over it: the others have not been counted again.
    const again = await openWork(names, "engine-7");
    const seen = await Array.fromAsync(again.own(), ({ uri, deliveries }) => [uri, deliveries]);
    assert.deepEqual(seen, [
      ["a", 3],
      ["b", 2],
      ["c", 2],
    ]);
  });

  it("does not take over what is held", async () => {
    const names = makeJob();
    const [intake, busy, idle] = [openIntake(names), await openWork(names, "busy"), await openWork(names, "idle")];
    await intake.admit(submit());
    const delivery = await takeOne(busy);
    for (let step = 0; step < 3; step++) {
      await delay(MIN_IDLE_MS * 0.7);
      await busy.hold([delivery]);
      assert.deepEqual(await Array.fromAsync(idle.abandoned()), []);
    }
    const redelivered = await busy.again(delivery);
    assert.equal(redelivered?.deliveries, 2, "holding does not count, being handed out again does");
  });

  it("makes a dead letter, and answers who waits", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    await intake.admit(submit({ uri: "poison" }));
    const delivery = await takeOne(work);
    assert.equal(await work.finish({ delivery, value: "NaN", reason: "QUEUE_DELIVERIES" }), true);
    assert.equal(String(await intake.readResult("poison")), "NaN");
    const [[, flat] = []] = (await link.send("XRANGE", names.dead, "-", "+")) as [Buffer, Buffer[]][];
    const fields = flat?.map(String) ?? [];
    assert.equal(fields[fields.indexOf("data") + 1], "payload", "it can be tried again");
    const [letter] = await listDeadLetters(link, names, 10);
    assert.ok(letter && Math.abs(Date.now() - Date.parse(letter.at)) < 60_000);
    const expected = { id: delivery.id, uri: "poison", model: "m", reason: "QUEUE_DELIVERIES", deliveries: 1 };
    assert.deepEqual({ ...letter, letter: "", at: "" }, { ...expected, letter: "", at: "" });
    assert.equal((await inspectQueue(link, names)).dead, 1);
  });

  it("counts the dead letters that it drops for newer ones", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    const made = 350;
    for (let count = 0; count < made; count++) await intake.admit(submit());
    for (let ended = 0; ended < made; ) {
      const deliveries = await work.take(50, 1000);
      await Promise.all(deliveries.map((delivery) => work.finish({ delivery, value: "NaN", reason: "MODEL_FAILED" })));
      ended += deliveries.length;
    }
    const { dead, dropped } = await inspectQueue(link, names);
    assert.ok(dropped > 0 && dead >= 100);
    assert.equal(dead + dropped, made);
    assert.equal(work.dropped(), dropped);
  });

  it("hands out urgent records first", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    await intake.admit(submit({ uri: "3", priority: "low" }));
    await intake.admit(submit({ uri: "2" }));
    await intake.admit(submit({ uri: "1", priority: "high" }));
    const order = [...(await work.take(2, 1)), ...(await work.take(2, 1))].map(({ uri }) => uri);
    assert.deepEqual(order, ["1", "2", "3"]);
  });

  it("admits as many records and bytes as may wait, and again when there is room", async () => {
    const names = makeJob();
    const work = await openWork(names);
    const few = openIntake(names, 2);
    const admitted = await Promise.allSettled(["a", "b", "c"].map((uri) => few.admit(submit({ uri }))));
    assert.deepEqual(
      admitted.map((result) => (result.status === "rejected" ? result.reason.code : "in")),
      ["in", "in", "QUEUE_FULL"],
    );
    await assert.rejects(openIntake(names, 1000, 20).admit(submit()), { code: "QUEUE_FULL" });
    await work.finish({ delivery: await takeOne(work), value: "x" });
    await few.admit(submit());
  });

  it("takes back what nobody was given, and only that", async () => {
    const names = makeJob();
    const intake = openIntake(names);
    const early = await intake.admit(submit());
    assert.equal(await intake.withdraw(early), true, "before there is any engine");
    const work = await openWork(names);
    const [given, waiting] = [await intake.admit(submit()), await intake.admit(submit())];
    await takeOne(work);
    assert.equal(await intake.withdraw(given), false);
    assert.equal(await intake.withdraw(waiting), true);
    assert.equal(await intake.withdraw(waiting), false);
    assert.equal((await inspectQueue(link, names)).records.normal, 1);
  });

  it("counts what somebody trimmed away as lost", async () => {
    const names = makeJob();
    const [intake, first, second] = [openIntake(names), await openWork(names, "one"), await openWork(names, "two")];
    for (let count = 0; count < 4; count++) await intake.admit(submit());
    await first.take(2, 1);
    await second.take(2, 1);
    await link.send("XTRIM", names.job, "MAXLEN", 0);
    assert.deepEqual(await Array.fromAsync((await openWork(names, "one")).own()), []);
    assert.equal((await inspectQueue(link, names)).lost, 2);
    await delay(MIN_IDLE_MS + 20);
    assert.deepEqual(await Array.fromAsync(first.abandoned()), []);
    assert.equal((await inspectQueue(link, names)).lost, 4);
  });

  it("judges deadlines by Redis's clock, whatever the engine's own says", async () => {
    const names = makeJob();
    const [intake, skewMs] = [openIntake(names), 3_600_000];
    const work = await openWork(names, "skewed", { now: () => Date.now() + skewMs });
    await intake.admit(submit({ budgetMs: 5_000 }));
    const { deadline = 0 } = await takeOne(work);
    const left = deadline - (Date.now() + skewMs);
    assert.ok(left > 4_000 && left <= 5_050, `${left} ms left`);
  });

  it("reads records of older clients, which count for no bytes", async () => {
    const names = makeJob();
    const work = await openWork(names);
    await link.send("XADD", names.job, "*", "uri", "old", "data", "QUJD");
    const delivery = await takeOne(work);
    assert.deepEqual([delivery.serde, delivery.deadline, delivery.size], [undefined, undefined, 0]);
    await work.finish({ delivery, value: "done" });
    assert.equal(String(await link.send("HGET", `cluster-serving_${names.job}:old`, "value")), "done");
  });

  it("answers on the channel of the gateway that asked, and clears it", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    const answers: Answer[] = [];
    const reader = await redis.connect();
    const pause = (ms: number): Promise<void> => delay(ms);
    const channel = listenForAnswers({
      ...{ reader, commands: link, names, instance: "gw", pause },
      onAnswer: (answer) => answers.push(answer),
    });
    for (let count = 0; count < 50; count++) await intake.admit(submit({ uri: `u${count}`, reply: "gw" }));
    await intake.admit(submit({ uri: "kept", reply: "gw", keep: true }));
    for (let ended = 0; ended < 51; ) {
      const deliveries = await work.take(16, 1000);
      await Promise.all(deliveries.map((delivery) => work.finish({ delivery, value: `r${delivery.uri}` })));
      ended += deliveries.length;
    }
    await until(() => answers.length === 51);
    assert.ok(answers.every(({ uri, value }) => String(value) === (uri === "kept" ? "" : `r${uri}`)));
    assert.equal(await link.send("EXISTS", names.result("u0")), 0, "nothing is kept that nobody will fetch");
    assert.equal(String(await intake.readResult("kept")), "rkept");
    await until(async () => Number(await link.send("XLEN", names.reply("gw"))) === 0);
    channel.close();
    await channel.done;
  });

  it("tells what engines serve, as long as they go on saying so", async () => {
    const names = makeJob();
    const work = await openWork(names);
    const key = names.serves("engine-1");
    const asked = { engines: ["engine-1", "absent"], mostBytes: 10 };
    const read = async () => Object.fromEntries(await readAnnouncements(link, names, asked));
    await work.beat("one");
    assert.deepEqual(await read(), { "engine-1": Buffer.from("one") });
    const left = Number(await link.send("PTTL", key));
    assert.ok(left > 0 && left <= ENGINE_SILENCE_MS, `${left} ms`);
    await link.send("PEXPIRE", key, 100);
    await work.beat("one");
    assert.ok(Number(await link.send("PTTL", key)) > 1_000, "it is believed anew");
    await link.send("DEL", key);
    await work.beat("one");
    assert.deepEqual(await read(), { "engine-1": Buffer.from("one") });
    await work.beat("two");
    assert.deepEqual(await read(), { "engine-1": Buffer.from("two") });
    // Engines are what makes room in a full Redis: there, too, they are known.
    const former = String(asList(await link.send("CONFIG", "GET", "maxmemory"))[1]);
    await link.send("CONFIG", "SET", "maxmemory", 1);
    try {
      await assert.rejects(link.send("SET", `${names.job}:x`, "y"), { code: "QUEUE_FULL" });
      await work.beat("three");
    } finally {
      await link.send("CONFIG", "SET", "maxmemory", former);
    }
    assert.deepEqual(await read(), { "engine-1": Buffer.from("three") });
  });

  it("gives back what it holds when it leaves: others are told, and take it however patient they are", async () => {
    const names = makeJob();
    const [intake, leaving] = [openIntake(names), await openWork(names, "leaving")];
    const patient = await openWork(names, "patient", { minIdleMs: 3_600_000 });
    const priorities = { a: "high", b: "normal", trimmed: "low" } as const;
    for (const [uri, priority] of Object.entries(priorities)) await intake.admit(submit({ uri, priority }));
    const held = await leaving.take(3, 100);
    await link.send("XDEL", names.streams[2], held[2]?.id ?? "");
    assert.equal(await patient.beat(""), false);
    assert.deepEqual(await Array.fromAsync(patient.abandoned()), []);
    await leaving.leave();
    assert.equal(await patient.beat(""), true);
    const taken = await Array.fromAsync(patient.abandoned());
    assert.deepEqual(
      taken.map(({ uri, deliveries }) => [uri, deliveries]),
      [
        ["a", 2],
        ["b", 2],
      ],
    );
    assert.equal(await patient.beat(""), false, "it is told once");
    for (const delivery of taken) assert.equal(await patient.finish({ delivery, value: "x" }), true);
    await leaving.leave();
    const { pending, lost } = await inspectQueue(link, names);
    assert.deepEqual([pending, lost, await patient.beat("")], [0, 1, false]);
  });

  it("knows records of one instant apart, whose ids are the same in two streams", async () => {
    const names = makeJob();
    const [leaving, patient] = [await openWork(names, "leaving"), await openWork(names, "patient")];
    const fields = ["uri", "same", "data", "x"];
    for (const stream of names.streams) await link.send("XADD", stream, "5-0", ...fields);
    assert.equal((await leaving.take(3, 100)).length, 3);
    await leaving.leave();
    const taken = await Array.fromAsync(patient.abandoned());
    assert.deepEqual(
      taken.map(({ id, priority }) => [id, priority]),
      [
        ["5-0", "high"],
        ["5-0", "normal"],
        ["5-0", "low"],
      ],
    );
    for (const delivery of taken) assert.equal(await patient.finish({ delivery, value: "x" }), true);
    assert.equal((await inspectQueue(link, names)).pending, 0);
  });

  it("leaves no name behind, unless it still holds records", async () => {
    const names = makeJob();
    const [intake, work] = [openIntake(names), await openWork(names)];
    await work.beat("");
    assert.deepEqual((await inspectQueue(link, names)).engines, ["engine-1"]);
    await intake.admit(submit());
    const delivery = await takeOne(work);
    await work.leave();
    assert.equal((await Array.fromAsync((await openWork(names)).own())).length, 1, "its record is still there");
    await work.finish({ delivery, value: "x" });
    await work.leave();
    const consumers = (await link.send("XINFO", "CONSUMERS", names.job, "serving")) as unknown[];
    assert.deepEqual([consumers.length, (await inspectQueue(link, names)).engines.length], [0, 0]);
  });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + 5_000; !(await holds()); await delay(10)) assert.ok(Date.now() < limit, "in time");
}
