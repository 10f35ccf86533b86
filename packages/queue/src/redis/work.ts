// SPDX-License-Identifier: Apache-2.0
import { coalesce } from "../coalesce.ts";
import { GROUP, type Names, PRIORITIES, priorityOf } from "../names.ts";
import { type Delivery, nameOf, type Outcome } from "../record.ts";
import { checkRedis } from "./check.ts";
import { readDelivery, writeOutcome } from "./delivery.ts";
import { ENGINE_SILENCE_MS } from "./inspect.ts";
import type { Argument, Link } from "./link.ts";
import { asList, type RawEntry } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";
import { isAnswer, toQueueError } from "./translate.ts";

/** The side of the queue where an engine takes records and ends them. Each record taken must be ended by it. */
export type Work = {
  /** Looks at Redis, makes the groups, reads its clock. Throws QUEUE_EVICTS, QUEUE_REDIS_OLD, QUEUE_UNREACHABLE, QUEUE_REFUSED. */
  open(): Promise<void>;
  /** Records that nobody has yet, most urgent first; waits for the first one. */
  take(most: number, waitMs: number): Promise<Delivery[]>;
  /** Records that an earlier process of this name was given and did not end, one at a time. */
  own(): AsyncGenerator<Delivery>;
  /** Records that other engines were given and have not touched for `minIdleMs`, or gave back; one at a time. */
  abandoned(): AsyncGenerator<Delivery>;
  /** Says that these are still being computed, so that nobody takes them over. */
  hold(deliveries: readonly Delivery[]): Promise<void>;
  /** Hands a record to ourselves again, counted. Undefined: it has been ended meanwhile. */
  again(delivery: Delivery): Promise<Delivery | undefined>;
  /** Leaves a record to whoever takes it over. */
  drop(delivery: Delivery): void;
  /** Ends a record. False: another had ended it; its result stays. What throws here is this record's alone: it is still pending. */
  finish(outcome: Outcome): Promise<boolean>;
  /**
   * Says that this engine is alive and what it serves, in words that the queue does not read, and reads Redis's clock
   * again. What it serves is forgotten unless it goes on saying so. True: records were given back since the last time.
   */
  beat(serves: string): Promise<boolean>;
  /** Clean exit: gives back the records that it still holds; without any, its name is removed. */
  leave(): Promise<void>;
  /** Dead letters dropped so far because this engine made newer ones, and more than `mostDead` were there. */
  dropped(): number;
  /** Records seen so far that somebody had removed from the stream before their end. */
  lost(): number;
};

export type WorkSettings = {
  /** Stable over restarts: a process finds what its predecessor of this name held. */
  consumer: string;
  /** How long a record may lie untouched before others take it over; more than three times the slowest batch. */
  minIdleMs: number;
  resultTtlMs: number;
  /** Life of a gateway's answers when it does not fetch them. */
  replyTtlMs: number;
  mostDead: number;
};

/** Number of its stream, id, fields and values. */
type Taken = readonly [stream: number, id: Buffer, flat: readonly Buffer[]];

const MOST_AT_ONCE = 128;
const FORGET_ENGINES_MS = 3_600_000;

/**
 * Opens the working side of a job.
 *
 * @param reader a connection of its own: it waits
 * @param now the local clock, in ms since 1970
 */
export function createWork(
  { reader, commands, now }: { reader: Link; commands: Link; now: () => number },
  names: Names,
  settings: WorkSettings,
): Work {
  const { consumer } = settings;
  /** Redis's clock less ours. */
  let offsetMs = 0;
  let lost = 0;
  let dropped = 0;
  /** By {@link nameOf}. */
  const held = new Set<string>();
  /** Whether more may wait than the last read took. */
  let mayWait = true;
  /** Whether the groups were there once, and so the streams. */
  let isOurs = false;

  /** What Redis was told last that this engine serves. */
  let told = "";
  /** How often consumers had given records back when this engine last heard of it. */
  let heard = 0;

  const setClock = ([seconds, micros]: readonly unknown[]): void => {
    offsetMs = Number(seconds) * 1000 + Number(micros) / 1000 - now();
  };

  const tell = async (serves: string): Promise<{ isThere: boolean; left: number }> => {
    const keys = [names.engines, names.serves(consumer), names.left];
    const args = [consumer, FORGET_ENGINES_MS, ENGINE_SILENCE_MS, serves];
    const answer = asList(await commands.run(SCRIPTS.beat, keys, args));
    setClock(answer);
    return { isThere: answer[2] === 1, left: Number(answer[3]) };
  };

  const makeGroup = async (stream: string): Promise<void> => {
    const create = ["CREATE", stream, GROUP, "0", "MKSTREAM"];
    await commands.send("XGROUP", ...create).catch(async (error) => {
      // What was there at the start may be another program's; what was put over our stream since must not stop the others.
      if (!isOurs || !isAnswer(error, "WRONGTYPE")) throw error;
      await commands.send("PEXPIRE", stream, 0);
      await commands.send("XGROUP", ...create);
    });
  };

  const makeGroups = async (): Promise<void> => {
    for (const stream of names.streams) await makeGroup(stream).catch(ignoreAnswer("BUSYGROUP"));
    isOurs = true;
  };

  const toDelivery = (stream: number, id: string, flat: readonly Buffer[], deliveries: number): Delivery => {
    const delivery = readDelivery({ stream, id, flat }, { deliveries, offsetMs });
    held.add(nameOf(delivery));
    return delivery;
  };

  const countLost = async (stream: number, ids: readonly string[]): Promise<void> => {
    if (ids.length === 0) return;
    lost += ids.length;
    await commands.run(SCRIPTS.lose, [streamOf(names, stream), names.lost], [GROUP, ...ids]);
  };

  const readDeliveries = async (stream: number, id: string): Promise<number> => {
    const [pending] = asList(await commands.send("XPENDING", streamOf(names, stream), GROUP, id, id, 1));
    return pending === undefined ? 1 : Number(asList(pending)[3]);
  };

  const handOver = async (stream: number, [rawId, flat]: RawEntry): Promise<Delivery | undefined> => {
    const id = String(rawId);
    // One that is being computed here was only slow to be held.
    if (held.has(nameOf({ priority: priorityOf(stream), id }))) return undefined;
    if (flat !== null) return toDelivery(stream, id, flat, await readDeliveries(stream, id));
    await countLost(stream, [id]);
    return undefined;
  };

  /** The oldest entry after an id that this consumer was given and has not ended. Being read counts as a delivery. */
  const readOwn = async (stream: number, after: string): Promise<RawEntry | undefined> => {
    const group = ["GROUP", GROUP, consumer, "COUNT", 1];
    const read = await commands.send("XREADGROUP", ...group, "STREAMS", streamOf(names, stream), after);
    return read === null ? undefined : (asList(asList(asList(read)[0])[1]) as RawEntry[])[0];
  };

  const finishAll = coalesce(async (outcomes: readonly Outcome[]) => {
    const keys: string[] = [...names.streams, names.bytes, names.dead, names.dropped];
    const args: Argument[] = [GROUP, settings.resultTtlMs, settings.replyTtlMs, settings.mostDead];
    for (const outcome of outcomes) writeOutcome(keys, args, names, outcome);
    const answer = asList(await commands.run(SCRIPTS.finish, keys, args));
    dropped += Number(answer[outcomes.length]);
    return answer;
  }, MOST_AT_ONCE);

  /** Those that are there, by urgency. */
  const takeReady = async (most: number): Promise<Taken[]> => {
    const ready = asList(await reader.run(SCRIPTS.take, names.streams, [GROUP, consumer, most])) as Taken[];
    mayWait = ready.length === most;
    return ready.map(([stream, id, flat]) => [stream - 1, id, flat]);
  };

  /** The next to come, so many of each stream. */
  const awaitSome = async (each: number, waitMs: number): Promise<Taken[]> => {
    const group = ["GROUP", GROUP, consumer, "COUNT", Math.max(1, each), "BLOCK", waitMs];
    const read = await reader.send("XREADGROUP", ...group, "STREAMS", ...names.streams, ">", ">", ">");
    const streams = asList(read ?? []) as [Buffer, [Buffer, Buffer[]][]][];
    mayWait = streams.some(([, entries]) => entries.length >= each);
    return streams.flatMap(([name, entries]) => {
      const stream = names.streams.indexOf(String(name));
      return entries.map(([id, flat]): Taken => [stream, id, flat]);
    });
  };

  return {
    async open() {
      await checkRedis(commands);
      await makeGroups();
      setClock(asList(await commands.send("TIME")));
    },

    async take(most, waitMs) {
      try {
        const each = Math.floor(most / names.streams.length);
        const ready = mayWait || each === 0 ? await takeReady(most) : [];
        const taken = ready.length > 0 ? ready : await awaitSome(each, waitMs);
        return taken.map(([stream, id, flat]) => toDelivery(stream, String(id), flat, 1));
      } catch (error) {
        mayWait = true;
        // Redis came back empty, since it had no append-only file; or somebody wrote over a stream.
        if (!isAnswer(error, "NOGROUP") && !isAnswer(error, "WRONGTYPE")) throw error;
        await makeGroups();
        return [];
      }
    },

    async *own() {
      for (const stream of names.streams.keys()) {
        let entry = await readOwn(stream, "0");
        while (entry !== undefined) {
          const delivery = await handOver(stream, entry);
          if (delivery !== undefined) yield delivery;
          entry = await readOwn(stream, String(entry[0]));
        }
      }
    },

    async *abandoned() {
      for (const [stream, name] of names.streams.entries()) {
        let cursor = "0-0";
        do {
          // One at a time: should it kill this process too, only its own count has risen.
          const claim = [name, GROUP, consumer, settings.minIdleMs, cursor, "COUNT", 1];
          const [next, entries, removed] = asList(await commands.send("XAUTOCLAIM", ...claim));
          cursor = String(next);
          await countLost(stream, asList(removed).map(String));
          for (const entry of asList(entries) as RawEntry[]) {
            const delivery = await handOver(stream, entry);
            if (delivery !== undefined) yield delivery;
          }
        } while (cursor !== "0-0");
      }
    },

    async hold(deliveries) {
      for (const [stream, name] of names.streams.entries()) {
        const ids = deliveries.filter(({ priority }) => priority === priorityOf(stream)).map(({ id }) => id);
        if (ids.length > 0) await commands.send("XCLAIM", name, GROUP, consumer, 0, ...ids, "JUSTID");
      }
    },

    async again({ id, priority }) {
      const stream = PRIORITIES.indexOf(priority);
      held.delete(nameOf({ id, priority }));
      const claimed = asList(await commands.send("XCLAIM", streamOf(names, stream), GROUP, consumer, 0, id));
      const [entry] = claimed as RawEntry[];
      return entry === undefined || entry === null ? undefined : handOver(stream, entry);
    },

    drop: (delivery) => void held.delete(nameOf(delivery)),

    async finish(outcome) {
      const ended = await finishAll(outcome);
      if (ended instanceof Error) throw toQueueError(ended);
      held.delete(nameOf(outcome.delivery));
      return ended === 1;
    },

    async beat(serves) {
      const { isThere, left } = await tell(serves === told ? "" : serves);
      // Redis came back without it, or we were silent for too long.
      if (!isThere) await tell(serves);
      told = serves;
      const isNews = left !== heard;
      heard = left;
      return isNews;
    },

    async leave() {
      const keys = [...names.streams, names.engines, names.lost, names.left];
      await commands.run(SCRIPTS.leave, keys, [GROUP, consumer]);
    },

    dropped: () => dropped,
    lost: () => lost,
  };
}

const streamOf = (names: Names, index: number): string => names.streams[index] ?? names.job;

function ignoreAnswer(begins: string): (error: unknown) => void {
  return (error) => {
    if (!isAnswer(error, begins)) throw error;
  };
}
