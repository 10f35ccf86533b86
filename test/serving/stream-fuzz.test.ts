// SPDX-License-Identifier: Apache-2.0
// Entries that no client of ours writes, put straight into the stream of a real Redis before a real engine. BULWARK_FUZZ_ENTRIES sets
// how many.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { makeDice, mutate } from "../../packages/attestation/src/testing/fuzz/mutate.ts";
import { ERRORS } from "../../packages/contracts/src/errors/index.ts";
import { parseKeyring, selectKeys } from "../../packages/pki/src/index.ts";
import {
  createRandom,
  encodeRequest,
  inspectQueue,
  type Link,
  listDeadLetters,
  makeDataKey,
  nameKeys,
  SEALED,
  seal,
  toRecordKeys,
} from "../../packages/queue/src/index.ts";
import { openDurable } from "../../services/serving-gateway/src/durable/index.ts";
import { SERVING_TARGETS, unpackFields } from "./fuzz-targets.ts";
import { makeRow } from "./load.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENTRIES = Number(process.env.BULWARK_FUZZ_ENTRIES ?? 2_000);
const SEED = 11;
const AT_ONCE = 200;
/** More than Lua hands to a command at once. */
const MANY_FIELDS = 5_000;
const names = nameKeys("serving_stream");

type Entry = (string | Buffer)[];

describe("entries of strangers", { skip }, () => {
  let stack: QueueStack;
  before(async () => {
    stack = await startQueueStack(["echo"]);
  });
  after(() => stack?.stop());

  /** Opened by the engine's own key: what is wrong is inside. */
  const makeSealer = () => {
    const [key] = selectKeys(parseKeyring(readFileSync(stack.keys.files.keyring, "utf8")), ["serving-records"]).keys;
    assert.ok(key);
    const [fill, keys] = [createRandom(), toRecordKeys(key)];
    return (uri: string, content: Buffer): Buffer => {
      const place = { stream: names.job, uri, model: "echo" };
      return seal(makeDataKey(keys, place, fill), content, ["request", place], fill);
    };
  };

  /** What comes of a number, each kind by a maker of its own; the same at every run but for what sealing draws. */
  const makeEntries = (count: number): Entry[] => {
    const dice = makeDice(SEED);
    const sealer = makeSealer();
    const packs = SERVING_TARGETS["redis-entry"]?.seeds() ?? [];
    const contents = [
      encodeRequest({ kind: "tensors", inputs: [makeRow(1)] }),
      encodeRequest({ kind: "older", data: Buffer.from("x") }),
    ];
    const pick = (from: readonly Buffer[]): Buffer => from[dice(from.length)] ?? Buffer.alloc(0);
    const makers: readonly ((uri: string) => Entry)[] = [
      (uri) => {
        const sealed = sealer(uri, mutate(pick(contents), pick(contents), dice));
        return ["uri", uri, "data", sealed, "serde", SEALED, "model", "echo", "budget", "60000", "keep", "1"];
      },
      (uri) => {
        const sealed = sealer(uri, pick(contents));
        return ["uri", uri, "data", mutate(sealed, sealed, dice), "serde", SEALED, "model", "echo", "reply", "nobody"];
      },
      () => {
        const fields = unpackFields(mutate(pick(packs), pick(packs), dice));
        const isOdd = fields.length % 2 === 1;
        // An entry has a field at least.
        return fields.length === 0 ? ["", ""] : [...fields, ...(isOdd ? [""] : [])];
      },
    ];
    return Array.from({ length: count }, (_, number) => makers[dice(makers.length)]?.(`u${number}`) ?? ["", ""]);
  };

  const write = (entries: readonly Entry[]): Promise<void> =>
    askRedis(stack.queue.durable.redis, async (link) => {
      await Promise.all(entries.map((entry, at) => link.send("XADD", streamOf(at), "*", ...entry)));
    });
  const streamOf = (at: number): string => names.streams[at % names.streams.length] ?? names.job;
  const look = <Value>(ask: (link: Link) => Promise<Value>): Promise<Value> => askRedis(stack.queue.record.redis, ask);
  const isEmpty = async (): Promise<boolean> => {
    const { records, pending } = await look((link) => inspectQueue(link, names));
    return records.high + records.normal + records.low + pending === 0;
  };

  it("end, each with an answer or as a dead letter with its reason, and hold nobody up", async (context) => {
    const limits = { mostRecords: 1e6, mostBytes: 2 ** 30, budgetMs: 30_000 };
    const gateway = await openDurable({ ...stack.queue.durable, ...limits });
    const entries = makeEntries(ENTRIES);
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      await write(entries.slice(at, at + AT_ONCE));
      const row = makeRow(at);
      const { outputs } = await gateway.infer("echo", undefined, [row]);
      assert.deepEqual(outputs[0]?.data, row.data, "a caller of ours is answered among them");
    }
    await until(isEmpty, 60_000);
    const letters = await look((link) => listDeadLetters(link, names, 10_000));
    const reasons = new Set(letters.map(({ reason }) => reason));
    context.diagnostic(`${letters.length} dead letters of ${ENTRIES} entries: ${[...reasons].join(", ")}`);
    assert.ok(letters.length > ENTRIES / 4 && reasons.size > 1);
    for (const reason of reasons) assert.ok(reason in ERRORS && reason !== "BUG", reason);
    assert.doesNotMatch(stack.readLogs(), /"BUG"|record left/);
    assert.equal(stack.queue.processes["engine-1"]?.restarts(), 0);
    await gateway.close();
  });

  it("with more fields than a script can pass on are dead letters, too, and take nothing with them", async () => {
    const many = Array.from({ length: MANY_FIELDS }, (_, at) => [`field-${at}`, "x"]).flat();
    const former = (await look((link) => listDeadLetters(link, names, 10_000))).length;
    const bad: Entry = ["uri", "many", "data", "no record", "serde", SEALED, ...many];
    const plain: Entry = ["uri", "few", "data", "no record", "serde", SEALED];
    await write([plain, bad, bad, plain, bad, plain]);
    await until(isEmpty);
    const letters = await look((link) => listDeadLetters(link, names, 10_000));
    assert.equal(letters.length, former + 6);
    assert.deepEqual(new Set(letters.slice(0, 6).map(({ uri }) => uri)), new Set(["many", "few"]));
    assert.doesNotMatch(stack.readLogs(), /record left/);
  });
});
