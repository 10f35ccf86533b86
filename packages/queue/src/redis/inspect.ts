// SPDX-License-Identifier: Apache-2.0
import { GROUP, type Names, PRIORITIES, type Priority } from "../names.ts";
import { type RedisFacts, readFacts } from "./check.ts";
import type { Link } from "./link.ts";
import { asList, readInstant } from "./read-entry.ts";

/** An engine that was not heard of for so long does not count as alive. */
export const ENGINE_SILENCE_MS = 6_000;
/** More are not listed, nor any with a longer name: whoever may add one may add any. */
const MOST_ENGINES = 1_000;
const LONGEST_ENGINE_NAME = 512;

/** What the queue looks like at one instant. */
export type QueueState = {
  redis: RedisFacts;
  /** Records in the stream, those being computed included. */
  records: Readonly<Record<Priority, number>>;
  /** Records that engines hold now. */
  pending: number;
  bytes: number;
  /** Age of the oldest record in ms; 0 when none waits. */
  oldestMs: number;
  dead: number;
  /** Dead letters that were dropped to make room for newer ones: nobody can compute them again. */
  dropped: number;
  /** Records that somebody removed before their end. Anything but 0 is a reason to look. */
  lost: number;
  /** Names of the engines alive. */
  engines: readonly string[];
};

/** Asks for the state of a job's queue. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export async function inspectQueue(link: Link, names: Names): Promise<QueueState> {
  const [seconds] = asList(await link.send("TIME"));
  const redisNow = Number(seconds) * 1000;
  const lengths = await Promise.all(names.streams.map((name) => link.send("XLEN", name).then(Number)));
  const pending = await Promise.all(names.streams.map((name) => countPending(link, name)));
  const oldest = await Promise.all(names.streams.map((name) => link.send("XRANGE", name, "-", "+", "COUNT", 1)));
  const instants = oldest.flatMap((entries) => asList(entries)).map((entry) => readInstant(String(asList(entry)[0])));
  const engines = await listEngines(link, names);
  const [bytes, lost, dead, dropped] = await Promise.all([
    link.send("GET", names.bytes).then(Number),
    link.send("GET", names.lost).then(Number),
    link.send("XLEN", names.dead).then(Number),
    countDropped(link, names),
  ]);
  const records = Object.fromEntries(PRIORITIES.map((priority, index) => [priority, lengths[index] ?? 0]));
  return {
    redis: await readFacts(link),
    records: records as Record<Priority, number>,
    pending: pending.reduce((sum, count) => sum + count, 0),
    bytes,
    oldestMs: instants.length === 0 ? 0 : Math.max(0, redisNow - Math.min(...instants)),
    dead,
    dropped,
    lost,
    engines,
  };
}

/** Engines heard of within `ENGINE_SILENCE_MS`, by Redis's own clock. */
export async function listEngines(link: Link, names: Names): Promise<string[]> {
  const [seconds] = asList(await link.send("TIME"));
  const since = Number(seconds) * 1000 - ENGINE_SILENCE_MS;
  const bound = ["LIMIT", 0, MOST_ENGINES];
  const listed = asList(await link.send("ZRANGEBYSCORE", names.engines, since, "+inf", ...bound)).map(String);
  return listed.filter((name) => name.length <= LONGEST_ENGINE_NAME);
}

/** Dead letters dropped so far; 0 for a user whose rights are from before they were counted. */
export async function countDropped(link: Link, names: Names): Promise<number> {
  return link.send("GET", names.dropped).then(Number, (error) => {
    if (String(error.cause?.message).startsWith("NOPERM")) return 0;
    throw error;
  });
}

async function countPending(link: Link, stream: string): Promise<number> {
  // Before the first engine there is no group, and nothing that anybody holds.
  return link.send("XPENDING", stream, GROUP).then(
    (summary) => Number(asList(summary)[0]),
    (error) => (String(error.cause?.message).startsWith("NOGROUP") ? 0 : Promise.reject(error)),
  );
}
