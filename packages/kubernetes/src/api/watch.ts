// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { listEach, type Selection } from "./collection.ts";
import type { Connection } from "./connection.ts";
import { type ApiStatus, isPassing, toApiError } from "./errors.ts";
import type { KubeObject } from "./objects.ts";
import { pathOf } from "./resources.ts";

/**
 * What happened to the objects of a selection. `listed` stands for all there are: at the start, and again when changes
 * were missed. What an object is reduced to is all that is kept of it.
 */
export type Change<Kept> =
  | { type: "listed"; items: readonly Kept[] }
  | { type: "put"; item: Kept }
  | { type: "gone"; item: Kept };

/** How a watch behaves; delays come from outside, so that tests need not wait. */
export type WatchOptions<Item, Kept> = {
  reduce: (item: Item) => Kept;
  signal: AbortSignal;
  delay?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Between 0 and 1; spreads watchers that lost the same server. */
  random?: () => number;
  /** Told when the server is away: why, how long until the next try, and how many have failed by now. */
  onTrouble?: (error: BulwarkError, nextMs: number, failures: number) => void;
};

type Line = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"; object: unknown };

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** The server ends a watch after this long, and it is opened again where it ended. */
const WATCH_S = 300;
/** Without a word for this long beyond it, the connection is taken for dead. */
const SILENCE_MS = (WATCH_S + 30) * 1000;

/**
 * Follows the objects of a selection until the signal is aborted, over restarts of the server: list, watch from that
 * version, go on after an end, list anew when the version is gone (410), back off while the server is away.
 *
 * @throws BulwarkError for what waiting does not mend: not permitted, not authenticated, certificate not trusted
 */
export async function* watchObjects<Item extends KubeObject, Kept>(
  connection: Connection,
  selection: Selection,
  options: WatchOptions<Item, Kept>,
): AsyncGenerator<Change<Kept>, void, void> {
  const { signal } = options;
  const position: Position = { version: undefined, failures: 0 };
  while (!signal.aborted) {
    try {
      yield* listAndWatch(connection, selection, options, position);
    } catch (error) {
      if (signal.aborted) return;
      if (isExpired(error)) position.version = undefined;
      else if (isPassing(error)) await backOff(error as BulwarkError, options, ++position.failures);
      else throw error;
    }
  }
}

/** Where a watch is, undefined when the objects must be listed first, and how many tries failed since the last answer. */
type Position = { version: string | undefined; failures: number };

/** Lists where there is no version to go on from, then watches once. */
async function* listAndWatch<Item extends KubeObject, Kept>(
  connection: Connection,
  selection: Selection,
  { signal, reduce }: WatchOptions<Item, Kept>,
  position: Position,
): AsyncGenerator<Change<Kept>, void, void> {
  if (position.version === undefined) {
    const items: Kept[] = [];
    position.version = await listEach<Item>(connection, selection, (item) => items.push(reduce(item)), { signal });
    position.failures = 0;
    yield { type: "listed", items };
  }
  for await (const line of readLines(connection, selection, position, signal)) {
    const object = line.object as Item;
    position.version = object.metadata.resourceVersion ?? position.version;
    if (line.type !== "BOOKMARK") yield { type: line.type === "DELETED" ? "gone" : "put", item: reduce(object) };
  }
}

/** Waits twice as long after each failure, spread over half of it. */
async function backOff<Item, Kept>(
  error: BulwarkError,
  { signal, delay = pause, random = Math.random, onTrouble }: WatchOptions<Item, Kept>,
  failures: number,
): Promise<void> {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.5 + random() / 2);
  onTrouble?.(error, pauseMs, failures);
  await delay(pauseMs, signal).catch(() => undefined);
}

const pause = (milliseconds: number, signal: AbortSignal): Promise<void> => sleep(milliseconds, undefined, { signal });

/** One watch to its end. A server that opens it is back, whether it has something to say or not. */
async function* readLines(
  connection: Connection,
  { resource, namespace, labels, fields }: Selection,
  position: Position,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  const answer = await connection.stream({
    path: pathOf(resource, namespace),
    query: {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: position.version,
      timeoutSeconds: WATCH_S,
      labelSelector: labels,
      fieldSelector: fields,
    },
    what: `watch ${resource.plural}`,
    signal,
  });
  position.failures = 0;
  answer.setTimeout(SILENCE_MS, () => answer.destroy(new Error("silence")));
  try {
    for await (const text of splitLines(answer)) {
      const line = parseLine(text);
      if (line.type === "ERROR") {
        const status = line.object as ApiStatus & { code?: number };
        throw toApiError(status.code ?? 500, status, `Cannot watch ${resource.plural}`);
      }
      yield line;
    }
  } catch (cause) {
    if (cause instanceof BulwarkError) throw cause;
    const message = `The connection to ${connection.access.server.host} was cut.`;
    throw new BulwarkError("CLUSTER_UNREACHABLE", message, "kubectl cluster-info", { cause });
  } finally {
    answer.destroy();
  }
}

function parseLine(text: string): Line {
  return JSON.parse(text) as Line;
}

/** Lines of a stream of bytes; what stands after the last line break is no line, as the server was cut off in it. */
export async function* splitLines(chunks: AsyncIterable<unknown>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    let from = 0;
    const bytes = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
      yield bytes.toString("utf8", from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
}

const isExpired = (error: unknown): boolean => error instanceof BulwarkError && error.code === "WATCH_EXPIRED";
