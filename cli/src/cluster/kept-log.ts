// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { JobStatus } from "@bulwark/kubernetes";
import { runInPod, splitLines } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { PartLine } from "./merge-logs.ts";
import type { Cluster } from "./open.ts";
import { EVENT_LOG_FOLDER, type Place, withReaderPod } from "./reader-pod.ts";
import { STORE_COPY, storeOf, withStoreCopy } from "./store-reader.ts";

/** Where drivers keep what they and their executors print: a folder per release, a `POD.PART.log` per part and attempt. */
const COPIES = `${EVENT_LOG_FOLDER}/bulwark-logs`;
/**
 * Merges files by time, each of which is in order. $1 folder, which a release without a driver has not; $2 names, with
 * wildcards. A hundred files at once, as each takes a quarter of a MiB; of more, parts are merged in /tmp first.
 */
export const MERGE = `cd "$1" 2>/dev/null || exit 0
{ printf '/dev/null\\0'; for file in $2; do [ ! -f "$file" ] || printf '%s\\0' "$file"; done; } |
LC_ALL=C sort -m -s -k1,1 -S 1M --batch-size=100 -T /tmp --files0-from=-`;

/** What is wanted of a kept log. */
export type KeptQuery = {
  status: JobStatus;
  /** As lines name them, with wildcards: `driver`, `executor *`. */
  parts: readonly string[];
  /** Seconds; only what is younger. */
  since: number | undefined;
  /** A running driver has the claim, which may be for one node alone; without one a short-lived pod reads it. */
  through: Place | undefined;
};

/** Where the job keeps a copy of its logs, if it does: a claim, or a store. */
export const logPlaceOf = (status: JobStatus): string | undefined => status.planned.eventLogClaim ?? storeOf(status);

/**
 * Reads from the claim or store of event logs what parts of a release printed, by time: for when their pods are gone.
 *
 * @throws BulwarkError POD_START_FAILED, RELEASE_UNKNOWN without an image to read with, LOGS_GONE when nothing was kept
 */
export async function* readKeptLog(context: Context, cluster: Cluster, query: KeptQuery): AsyncGenerator<PartLine> {
  const { status, parts, since } = query;
  // A release of the same name may have been there before.
  const bornAt = toNanos(new Date(Date.parse(status.createdAt ?? "") || 0));
  const from = since === undefined ? bornAt : toNanos(new Date(context.now().getTime() - since * 1000));
  let isKept = false;
  for await (const text of splitLines(mergeFiles(context, cluster, query))) {
    const line = parseKeptLine(text);
    if (line === undefined || line.time < bornAt) continue;
    isKept = true;
    if (line.time >= from) yield line;
  }
  if (isKept) return;
  const { name, namespace } = status;
  const wanted = parts.length === 1 && parts[0]?.includes("*") === false ? `the ${parts[0]}` : "its parts";
  throw new BulwarkError(
    "LOGS_GONE",
    `Nothing that ${wanted} of ${name} printed was kept in ${logPlaceOf(status)}.`,
    `see its parts: bulwark status ${name} -n ${namespace}`,
  );
}

/** As kept lines have it: the order of the text is that of time. */
const toNanos = (time: Date): string => time.toISOString().replace("Z", "000000Z");

/** Splits `2026-03-01T12:00:00.123456789Z executor-1 text`; what was cut off is no line. */
export function parseKeptLine(line: string): PartLine | undefined {
  const [, time, part, text] = /^(\S+Z) ([a-z]+(?:-\d+)?) (.*)$/s.exec(line) ?? [];
  if (time === undefined || part === undefined || text === undefined) return undefined;
  return { time, part: part.replace("-", " "), text };
}

/** The files' lines as bytes, as fast as they are taken; whoever takes no more ends the reading. */
async function* mergeFiles(
  context: Context,
  cluster: Cluster,
  { status, parts, through }: KeptQuery,
): AsyncGenerator<Buffer> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const pipe = new PassThrough();
  const files = parts.map((part) => `${status.driver?.pod ?? "*"}.${part.replace(" ", "-")}.log`).join(" ");
  const run = async (folder: string, place: Place): Promise<void> => {
    const command = ["sh", "-c", MERGE, "sh", folder, files];
    const { namespace, connection } = cluster;
    const { exitCode, errors } = await runInPod(connection, { namespace, ...place, command, signal }, async (bytes) => {
      if (!pipe.write(bytes)) await once(pipe, "drain", { signal });
    });
    if (exitCode !== 0) throw unreadable(status, errors);
  };
  const ofClaim = (place: Place): Promise<void> => run(`${COPIES}/${status.name}`, place);
  const ofStore = (place: Place): Promise<void> => run(STORE_COPY, place);
  const inner = { ...context, signal };
  const { eventLogClaim: claim } = status.planned;
  const start = (): Promise<void> => {
    if (claim === undefined) return withStoreCopy(inner, cluster, { status, what: "logs" }, ofStore);
    if (through !== undefined) return ofClaim(through);
    return withReaderPod(inner, cluster, { status, claim, folder: EVENT_LOG_FOLDER }, ofClaim);
  };
  const running = start();
  const settled = running.then(
    () => void pipe.end(),
    (error: Error) => void pipe.destroy(error),
  );
  try {
    yield* pipe;
  } finally {
    stop.abort();
    await settled;
  }
}

const unreadable = ({ name, namespace, planned }: JobStatus, errors: string): BulwarkError =>
  new BulwarkError(
    "LOGS_GONE",
    `The log of ${name} in ${planned.eventLogClaim ?? planned.eventLog} cannot be read: ${errors.trim().split("\n")[0]?.slice(0, 200)}.`,
    planned.eventLogClaim === undefined
      ? `try again: bulwark logs ${name} -n ${namespace}`
      : `look at the claim: kubectl describe pvc ${planned.eventLogClaim} -n ${namespace}`,
  );
