// SPDX-License-Identifier: Apache-2.0
// What somebody can add to orders and announcements who has an engine's rights at Redis, on each program that is installed.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { type Names, nameKeys } from "../names.ts";
import { createRandom } from "../sealing/envelope.ts";
import { toRecordKeys } from "../sealing/record-keys.ts";
import { findRedisPrograms, type RedisProgram, startTestRedis, type TestRedis } from "../testing/index.ts";
import { readAnnouncements } from "./announcements.ts";
import { inspectQueue } from "./inspect.ts";
import type { Link } from "./link.ts";
import { isReached, type Order, type Orders, openOrders } from "./orders.ts";

const MIB = 2 ** 20;
const keys = toRecordKeys({
  id: "serving-records",
  current: 1,
  versions: [{ version: 1, key: randomBytes(32).toString("base64") }],
});

for (const program of findRedisPrograms()) describe(`what others add on ${program.name}`, () => suite(program));

function suite(program: RedisProgram): void {
  let redis: TestRedis;
  let link: Link;
  before(async () => {
    redis = await startTestRedis(program);
    link = await redis.connect();
  });
  after(() => redis.stop());

  const makeJob = (): Names => nameKeys(`job-${randomUUID()}`);
  const open = (names: Names): Orders => openOrders({ link, names, keys, fillRandom: createRandom() });
  const readCodes = (orders: readonly Order[]): string[] =>
    orders.map((order) => ("problem" in order ? order.problem.code : `${order.verb} ${order.model}`));

  it("orders that are too large, of too many fields or not sealed are told of, and hide none behind them", async () => {
    const names = makeJob();
    const [gateway, engine] = [open(names), open(names)];
    await gateway.give("a", "load");
    await link.send("XADD", names.orders, "*", "model", "m", "order", Buffer.alloc(4 * MIB));
    await link.send("XADD", names.orders, "*", "x".repeat(4 * MIB), "");
    await link.send("XADD", names.orders, "*", ...Array.from({ length: 5_000 }, () => ["", ""]).flat());
    await link.send("XADD", names.orders, "*", "model", "b", "order", "unload");
    await gateway.give("b", "unload");
    assert.deepEqual(readCodes(await engine.readNew()), ["load a", ...Array(4).fill("RECORD_MALFORMED"), "unload b"]);
    assert.deepEqual(await engine.readNew(), []);
  });

  it("more orders than are kept are read little by little", async () => {
    const names = makeJob();
    for (let at = 0; at < 25; at++) {
      await Promise.all(Array.from({ length: 100 }, () => link.send("XADD", names.orders, "*", "model", "m")));
    }
    const engine = open(names);
    const lengths = [await engine.readNew(), await engine.readNew(), await engine.readNew(), await engine.readNew()];
    assert.deepEqual(
      lengths.map(({ length }) => length),
      [1_000, 1_000, 500, 0],
    );
  });

  it("an order with the largest id that there is keeps nobody from reading, nor from being told apart", async () => {
    const names = makeJob();
    const [gateway, engine] = [open(names), open(names)];
    const large = "18446744073709551615";
    await link.send("XADD", names.orders, `${large}-7`, "model", "m");
    const id = await gateway.give("a", "load");
    assert.equal(id, `${large}-8`);
    assert.deepEqual([isReached(`${large}-7`, id), isReached(id, id), isReached(id, "9-9")], [false, true, true]);
    assert.deepEqual(readCodes(await engine.readNew()), ["RECORD_MALFORMED", "load a"]);
    await link.send("XADD", names.orders, `${large}-${large}`, "model", "m");
    assert.deepEqual(readCodes(await engine.readNew()), ["RECORD_MALFORMED"]);
    assert.deepEqual(await engine.readNew(), []);
  });

  it("an announcement that is too large is cut, and one that is no text hides no other", async () => {
    const names = makeJob();
    await link.send("SET", names.serves("large"), Buffer.alloc(4 * MIB, "x"));
    await link.send("HSET", names.serves("map"), "format", "1");
    await link.send("SET", names.serves("sound"), "it");
    const many = Array.from({ length: 100 }, (_, at) => `nobody-${at}`);
    const said = await readAnnouncements(link, names, { engines: ["large", "map", ...many, "sound"], mostBytes: 100 });
    assert.deepEqual(
      [...said].map(([name, bytes]) => [name, bytes.length]),
      [
        ["large", 101],
        ["map", 0],
        ["sound", 2],
      ],
    );
  });

  it("of engines no more are listed than there may be, and none whose name is no name", async () => {
    const names = makeJob();
    const now = Date.now();
    const add = (...engines: string[]) => link.send("ZADD", names.engines, ...engines.flatMap((one) => [now, one]));
    await add("e", "n".repeat(MIB));
    assert.deepEqual((await inspectQueue(link, names)).engines, ["e"]);
    await add(...Array.from({ length: 1_500 }, (_, at) => `e${at}`));
    assert.equal((await inspectQueue(link, names)).engines.length <= 1_000, true);
  });
}
