// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { parseDurationMs } from "@bulwark/contracts/job";
import { derivePrevious, isEnded, type JobStatus, type PartStatus } from "@bulwark/kubernetes";
import { readLog } from "@bulwark/kubernetes/api";
import type { Context, Result } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { showControls } from "../output/terminal.ts";
import { textFlag } from "./flags.ts";
import { type KeptQuery, logPlaceOf, readKeptLog } from "./kept-log.ts";
import { mergeByTime, type PartLine } from "./merge-logs.ts";
import { type Cluster, openCluster } from "./open.ts";
import { partsOf } from "./present.ts";
import { readRelease } from "./read-release.ts";
import { watchRelease } from "./watch-release.ts";

type Flags = Readonly<Record<string, unknown>>;

/** `bulwark logs NAME` in a cluster: every part's lines by time, each with its part in front. */
export async function printLogs(context: Context, name: string, flags: Flags): Promise<Result> {
  const since = readSince(flags);
  const cluster = await openCluster(context, flags);
  try {
    const { status: newest, objects } = await readRelease(cluster, name);
    const status = flags.previous === true ? derivePrevious(objects) : newest;
    if (flags.previous === true && partsOf(status).length === 0) throw noPrevious(newest);
    if (flags.follow === true && flags.previous !== true && !isEnded(status)) {
      await followAll(context, cluster, status, flags);
      return {};
    }
    const asked = askedOf(flags);
    const parts = choose(status, asked);
    const kept = chooseKept(status, asked, flags.previous === true);
    if (parts.length + kept.length === 0) throw noLogs(status, flags);
    const query = { status, parts: kept, since, through: runningDriver(newest) };
    const lines = mergeByTime([
      ...parts.map((part) => readPart(context, cluster, part, { since, follow: false })),
      ...(kept.length === 0 ? [] : [readKept(context, cluster, query, parts.length === 0)]),
    ]);
    if (isDocument(flags.output)) return { value: { apiVersion: "bulwark/v1", name, items: await collect(lines) } };
    const isOne = parts.length + kept.length === 1 && !kept.includes(EXECUTORS);
    for await (const { part, text } of lines) print(context, isOne ? undefined : part, text);
    return {};
  } finally {
    cluster.connection.close();
  }
}

async function collect(lines: AsyncIterable<PartLine>): Promise<PartLine[]> {
  const items: PartLine[] = [];
  for await (const { part, time, text } of lines) items.push({ part, time, text });
  return items;
}

function print({ stdout, progress }: Context, part: string | undefined, text: string): void {
  const line = part === undefined ? `${text}\n` : `[${part.replace(" ", "-")}] ${text}\n`;
  // A log is data of others; on a terminal it shall not steer.
  progress.aside(() => stdout.write(stdout.isTTY === true ? showControls(line) : line));
}

/** Parts that were asked for by name; none: all of them. */
const askedOf = (flags: Flags): string[] => [
  ...(flags.driver === true ? ["driver"] : []),
  ...(flags.launcher === true ? ["launcher"] : []),
  ...(flags.executor === undefined ? [] : [`executor ${Number(flags.executor)}`]),
];

/** Parts that are wanted: those with a container that has begun. */
const choose = (status: JobStatus, asked: readonly string[]): PartStatus[] =>
  partsOf(status)
    .filter(({ part }) => asked.length === 0 || asked.includes(part))
    .filter(({ state }) => state !== "pending" && state !== "unknown");

const EXECUTORS = "executor *";

/** Parts that are wanted from the claim or store, as their pods are gone: of a job that runs only those that were asked for. */
export function chooseKept(status: JobStatus, asked: readonly string[], isPrevious: boolean): string[] {
  const present = partsOf(status).map(({ part }) => part);
  const isOver = isPrevious || isEnded(status) || present.length === 0;
  if (logPlaceOf(status) === undefined || !(isOver || runningDriver(status))) return [];
  const wanted = asked.length === 0 && isOver ? ["driver", EXECUTORS] : asked;
  return wanted.filter((part) => part !== "launcher" && !present.includes(part));
}

const runningDriver = ({ driver }: JobStatus): { pod: string; container: string } | undefined =>
  driver?.state === "running" ? { pod: driver.pod, container: containerOf(driver) } : undefined;

/** Lines from the claim or store of parts whose pods are gone. Others that can be read are shown without them, too. */
async function* readKept(
  context: Context,
  cluster: Cluster,
  query: KeptQuery,
  areAll: boolean,
): AsyncGenerator<PartLine> {
  const present = new Set(partsOf(query.status).map(({ part }) => part));
  try {
    for await (const line of readKeptLog(context, cluster, query)) if (!present.has(line.part)) yield line;
  } catch (error) {
    if (areAll || context.signal.aborted || !(error instanceof BulwarkError)) throw error;
    context.progress.warn(error.message);
  }
}

const CONTAINERS: Readonly<Record<string, string>> = { driver: "spark-driver", launcher: "spark-launcher" };
const containerOf = ({ part }: PartStatus): string => CONTAINERS[part] ?? "spark-executor";

type Wanted = { since: number | undefined; follow: boolean };

/** Lines of one part; a container that has not begun, or is gone, has none. */
async function* readPart(
  { progress, signal }: Context,
  { connection, namespace }: Cluster,
  part: PartStatus,
  { since, follow }: Wanted,
): AsyncGenerator<PartLine> {
  const query = { namespace, pod: part.pod, container: containerOf(part), follow, signal };
  try {
    const lines = readLog(connection, since === undefined ? query : { ...query, sinceSeconds: since });
    for await (const line of lines) yield { part: part.part, ...line };
  } catch (error) {
    const isQuiet = error instanceof BulwarkError && ["OBJECT_MISSING", "CLUSTER_REFUSED"].includes(error.code);
    if (!isQuiet || signal.aborted) throw error;
    progress.debug(error.message);
  }
}

/** Attaches to each part as it begins, until the job ends. */
async function followAll(context: Context, cluster: Cluster, { name }: JobStatus, flags: Flags): Promise<void> {
  const since = readSince(flags);
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const readings = new Map<string, Promise<void>>();
  const asked = askedOf(flags);
  for await (const status of watchRelease(context, cluster, name, context.signal)) {
    for (const part of choose(status, asked)) {
      if (readings.has(part.pod) || part.state === "starting") continue;
      const read = async (): Promise<void> => {
        const inner = { ...context, signal };
        for await (const { text } of readPart(inner, cluster, part, { since, follow: true })) {
          print(context, asked.length > 0 ? undefined : part.part, text);
        }
      };
      readings.set(
        part.pod,
        read().catch((error: Error) => context.progress.debug(error.message)),
      );
    }
    if (!isEnded(status)) continue;
    // Containers that have ended have ended logs; a node that is away must not hold the command.
    const timer = setTimeout(() => stop.abort(), 5_000);
    await Promise.all(readings.values());
    clearTimeout(timer);
    return;
  }
  throw context.signal.reason;
}

const noPrevious = ({ name, namespace }: JobStatus): BulwarkError =>
  new BulwarkError(
    "LOGS_GONE",
    `${name} has no attempt before this one, or its pods are gone.`,
    `bulwark logs ${name} -n ${namespace}`,
  );

function noLogs(status: JobStatus, flags: Flags): BulwarkError {
  const { name, namespace, planned, state } = status;
  const isGone = partsOf(status).length === 0;
  if (isGone && planned.eventLog !== undefined) {
    const message = `The pods of ${name} are gone; what Spark recorded is in ${planned.eventLog}.`;
    return new BulwarkError("LOGS_GONE", message, `bulwark ui ${name} -n ${namespace}`);
  }
  if (isGone && state !== "pending") {
    const message = `The pods of ${name} are gone, and with them their logs.`;
    return new BulwarkError(
      "LOGS_GONE",
      message,
      "keep them longer with ttl, or what Spark records with eventLog, in the job file",
    );
  }
  const what = flags.executor === undefined ? "log yet" : `log of executor ${String(flags.executor)}`;
  return new BulwarkError(
    "LOGS_GONE",
    `${name} has no ${what}.`,
    `see its parts: bulwark status ${name} -n ${namespace}`,
  );
}

function readSince(flags: Flags): number | undefined {
  const text = textFlag(flags, "since");
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*(s|m|h)$/.test(text)) {
    throw new BulwarkError("USAGE", `--since ${text} is no duration.`, "for instance: --since 10m");
  }
  return Math.ceil(parseDurationMs(text) / 1000);
}
