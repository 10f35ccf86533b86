// SPDX-License-Identifier: Apache-2.0
// A real engine behind a real Redis under attack: entries that no client of ours writes, and right requests among them.
import { readFileSync } from "node:fs";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { type Dice, makeDice, mutate } from "../../packages/attestation/src/testing/fuzz/mutate.ts";
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
import { type Rss, watchRss } from "./read-rss.ts";
import { type QueueStack, until } from "./stack.ts";

export const names = nameKeys("serving_stream");
/** Fields and values. */
export type Entry = (string | Buffer)[];

/** What an attack saw. */
export type EntryFuzzResult = {
  inputs: number;
  /** Right requests among them, each with its right answer. */
  asked: number;
  slowestMs: number;
  /** Dead letters that are there still, and their reasons. */
  letters: number;
  reasons: readonly string[];
  rssMiB: Readonly<Rss>;
  failures: { input: string; problem: string }[];
};

const AT_ONCE = 200;
const MOST_LETTERS = 10_000;
const END_MS = 120_000;

/** Asks Redis as the one who may look. */
export const askQueue = <Value>({ queue }: QueueStack, ask: (link: Link) => Promise<Value>): Promise<Value> =>
  askRedis(queue.record.redis, ask);

export async function isQueueEmpty(stack: QueueStack): Promise<boolean> {
  const { records, pending } = await askQueue(stack, (link) => inspectQueue(link, names));
  return records.high + records.normal + records.low + pending === 0;
}

/** Puts entries into the streams in turn, past everything that would check them. */
export const writeEntries = ({ queue }: QueueStack, entries: readonly Entry[]): Promise<void> =>
  askRedis(queue.durable.redis, async (link) => {
    await Promise.all(entries.map((entry, at) => link.send("XADD", streamOf(at), "*", ...entry)));
  });
const streamOf = (at: number): string => names.streams[at % names.streams.length] ?? names.job;

/** Seals as a gateway would, under the engine's own key: what is wrong is inside. */
function makeSealer({ keys: { files } }: QueueStack) {
  const [key] = selectKeys(parseKeyring(readFileSync(files.keyring, "utf8")), ["serving-records"]).keys;
  if (key === undefined) throw new Error("no key of records");
  const [fill, keys] = [createRandom(), toRecordKeys(key)];
  return (uri: string, content: Buffer): Buffer => {
    const place = { stream: names.job, uri, model: "echo" };
    return seal(makeDataKey(keys, place, fill), content, ["request", place], fill);
  };
}

/** Makes entries, the same ones for a seed but for what sealing draws. */
function createMaker(stack: QueueStack, dice: Dice): (uri: string) => Entry {
  const sealer = makeSealer(stack);
  const packs = SERVING_TARGETS["redis-entry"]?.seeds() ?? [];
  const arrow = SERVING_TARGETS["arrow-record"]?.seeds() ?? [];
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
    (uri) => ["uri", uri, "data", mutate(pick(arrow), pick(arrow), dice).toString("base64")],
    () => {
      const fields = unpackFields(mutate(pick(packs), pick(packs), dice));
      const isOdd = fields.length % 2 === 1;
      // An entry has a field at least.
      return fields.length === 0 ? ["", ""] : [...fields, ...(isOdd ? [""] : [])];
    },
  ];
  return (uri) => makers[dice(makers.length)]?.(uri) ?? ["", ""];
}

/** Attacks the engine of a stack that serves the model `echo`. Rejects when records are left that do not end. */
export async function fuzzEntries(
  stack: QueueStack,
  { inputs, seed }: { inputs: number; seed: number },
): Promise<EntryFuzzResult> {
  const make = createMaker(stack, makeDice(seed));
  const limits = { mostRecords: 1e6, mostBytes: 2 ** 30, budgetMs: 30_000 };
  const gateway = await openDurable({ ...stack.queue.durable, ...limits });
  const engine = stack.queue.processes["engine-1"];
  const { look, rss } = watchRss(engine?.pid() ?? 0);
  const failures: EntryFuzzResult["failures"] = [];
  const fail = (problem: string): void => void failures.push({ input: "", problem });
  let [asked, slowestMs] = [0, 0];
  for (let at = 0; at < inputs && failures.length === 0; at += AT_ONCE) {
    await writeEntries(
      stack,
      Array.from({ length: Math.min(AT_ONCE, inputs - at) }, (_, index) => make(`u${at + index}`)),
    );
    const [row, startedAt] = [makeRow(at), performance.now()];
    const { outputs } = await gateway.infer("echo", undefined, [row]);
    asked++;
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    if (String(outputs[0]?.data) !== String(row.data)) fail("a caller of ours got another's numbers");
    if (engine?.restarts() !== 0) fail("the engine died");
    else look(at / inputs);
  }
  await until(() => isQueueEmpty(stack), END_MS);
  await gateway.close();
  const letters = await askQueue(stack, (link) => listDeadLetters(link, names, MOST_LETTERS));
  const reasons = [...new Set(letters.map(({ reason }) => reason))];
  for (const reason of reasons) if (!(reason in ERRORS) || reason === "BUG") fail(`dead letters for ${reason}`);
  const [said] = /.*("BUG"|record left).*/.exec(stack.readLogs()) ?? [];
  if (said !== undefined) fail(said);
  return { inputs, asked, slowestMs, letters: letters.length, reasons, rssMiB: rss, failures };
}
