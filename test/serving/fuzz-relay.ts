// SPDX-License-Identifier: Apache-2.0
// The relay's socket under attack: bytes that no client of Redis sends, and the older client's own commands among them.
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { type Dice, makeDice, mutate } from "../../packages/attestation/src/testing/fuzz/mutate.ts";
import { ERRORS } from "../../packages/contracts/src/errors/index.ts";
import { computeRow, launchRelay } from "./ask-relay.ts";
import { isQueueEmpty } from "./fuzz-entries.ts";
import type { ServerFuzzResult } from "./fuzz-servers.ts";
import { SERVING_TARGETS } from "./fuzz-targets.ts";
import { watchRss } from "./read-rss.ts";
import { type QueueStack, until } from "./stack.ts";
import { makeHome } from "./tool.ts";

type Words = readonly (string | Buffer)[];

const AT_ONCE = 8;
const ASK_EVERY = 500;
const LIMIT_MS = 20_000;
const END_MS = 120_000;
const MOST_FAILURES = 5;
const JOB = "serving_stream";
const LINE_END = "\r\n";

const record = SERVING_TARGETS["arrow-record"]?.seeds()[0]?.toString("base64") ?? "";
const COMMANDS: readonly Words[] = [
  ["XADD", JOB, "*", "uri", "a", "data", record],
  ["XADD", JOB, "*", "uri", "b", "data", '{"instances":[{"x":[[1,2]]}]}', "serde", "stream"],
  ["XGROUP", "CREATE", JOB, "serving", "$", "MKSTREAM"],
  ["HGETALL", `cluster-serving_${JOB}:a`],
  ["DEL", `cluster-serving_${JOB}:a`, `cluster-serving_${JOB}:b`],
  ["KEYS", `cluster-serving_${JOB}:*`],
  ["INFO", "memory"],
  ["SELECT", "0"],
  ["PING"],
  ["QUIT"],
  ["EVAL", "return 1", "0"],
  [],
];

function writeCommand(words: Words): Buffer {
  const pieces = words.flatMap((word) => [Buffer.from(`$${Buffer.byteLength(word)}${LINE_END}`), word, LINE_END]);
  return Buffer.concat([`*${words.length}${LINE_END}`, ...pieces].map((piece) => Buffer.from(piece as string)));
}

/** A few commands: of each its words are changed, or the bytes of all. */
function makeInput(dice: Dice): Buffer {
  const pick = (): Words => COMMANDS[dice(COMMANDS.length)] ?? [];
  const change = (words: Words): Words =>
    words.map((word) => (dice(4) === 0 ? mutate(Buffer.from(word as string), Buffer.from(record), dice) : word));
  const commands = Array.from({ length: 1 + dice(4) }, pick);
  if (dice(2) === 0) return Buffer.concat(commands.map((words) => writeCommand(change(words))));
  const bytes = Buffer.concat(commands.map(writeCommand));
  return mutate(bytes, bytes, dice);
}

/** Sends in some pieces, says that they are all, and reads until the relay hangs up. */
function talk(port: number, input: Buffer, dice: Dice): Promise<Buffer> {
  const cut = dice(input.length + 1);
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => {
      socket.write(input.subarray(0, cut));
      socket.end(input.subarray(cut));
    });
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error(`no answer within ${LIMIT_MS} ms`)));
    socket.on("data", (piece) => pieces.push(piece));
    // A relay that has refused need not read the rest.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(pieces)));
  });
}

/** The length of one reply, which is whole. Throws for what is none. */
function measureReply(bytes: Buffer, from: number): number {
  const end = bytes.indexOf(LINE_END, from);
  const line = bytes.toString("latin1", from, end);
  const count = Number(line.slice(1));
  if (end === -1) throw new Error(`a reply without an end: ${bytes.toString("latin1", from, from + 200)}`);
  if (/^[+:-]/.test(line)) return end + 2 - from;
  if (/^\$\d+$/.test(line)) return end + 2 + count + 2 - from;
  if (!/^\*\d+$/.test(line)) throw new Error(`no reply of Redis: ${line.slice(0, 200)}`);
  let at = end + 2;
  for (let left = count; left > 0; left--) at += measureReply(bytes, at);
  return at - from;
}

/** The first words of each reply. Throws for a code that is none, and for what says that the relay itself failed. */
function judge(bytes: Buffer): string {
  const seen: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = measureReply(bytes, at);
    const line = bytes.toString("latin1", at, at + Math.min(length, 120)).split(LINE_END)[0] ?? "";
    const [, code] = /^-(?:ERR|OOM) ([A-Z]+(?:_[A-Z]+)*) /.exec(line) ?? [];
    if (code?.includes("_") && !(code in ERRORS)) throw new Error(`no code of ours: ${line}`);
    if (code === "BUG") throw new Error(line);
    seen.push(line.startsWith("-") ? line.replaceAll(/'.*'|\d+/g, "#") : line.slice(0, 1));
    at += length;
  }
  return seen.join(" ");
}

/** Attacks a relay before the engine of a stream that serves the model `echo`. */
export async function fuzzRelay(
  stack: QueueStack,
  { inputs, seed }: { inputs: number; seed: number },
): Promise<ServerFuzzResult> {
  const { relay: redis, keyringFile } = stack.queue.record;
  const { passwordFile = "", caFile = "", certificateFile = "", privateKeyFile = "" } = redis;
  const files = {
    ...{ "password-file": passwordFile, "ca-file": caFile, "keyring-file": keyringFile },
    ...{ "certificate-file": certificateFile, "private-key-file": privateKeyFile },
  };
  const { home, env } = makeHome("bulwark relay");
  const relay = await launchRelay(
    { ...files, redis: redis.url.replace("127.0.0.1", "localhost"), model: "echo" },
    { env },
  );
  const dice = makeDice(seed);
  const { look, rss } = watchRss(relay.pid);
  const seen = new Set<string>();
  const result: ServerFuzzResult = { ...{ inputs: 0, asked: 0, outcomes: 0, slowestMs: 0 }, rssMiB: rss, failures: [] };
  const attack = async (): Promise<void> => {
    const input = makeInput(dice);
    const startedAt = performance.now();
    try {
      seen.add(judge(await talk(relay.port, input, dice)));
    } catch (error) {
      result.failures.push({ input: input.toString("base64"), problem: String(error) });
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - startedAt);
  };
  const ask = async (number: number): Promise<void> => {
    result.asked++;
    const answer = await computeRow(relay.port, `right-${number}`, [number, 0.5]).catch(String);
    const row = [number, 0.5];
    if (JSON.stringify(answer) !== JSON.stringify([row, row])) {
      result.failures.push({ input: "", problem: `a client of ours got ${JSON.stringify(answer)}` });
    }
  };
  const attacker = async (): Promise<void> => {
    while (result.inputs < inputs && result.failures.length < MOST_FAILURES) {
      const number = result.inputs++;
      if (number % ASK_EVERY === 0) {
        look(number / inputs);
        await ask(number);
      }
      await attack();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, attacker));
    await until(() => isQueueEmpty(stack), END_MS);
  } finally {
    await relay.stop();
    rmSync(home, { recursive: true, force: true });
  }
  return { ...result, outcomes: seen.size };
}
