// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { parseDurationMs } from "@bulwark/contracts/job";
import { derivePrevious, isEnded, type JobStatus, type PartStatus } from "@bulwark/kubernetes";
import { type LogLine, readLog } from "@bulwark/kubernetes/api";
import type { Context, Result } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { showControls } from "../output/terminal.ts";
import { textFlag } from "./flags.ts";
import { keepsLog, readKeptLog } from "./kept-log.ts";
import { mergeByTime } from "./merge-logs.ts";
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
    const parts = choose(status, flags);
    const areGone = partsOf(status).length === 0;
    if (areGone && keepsLog(status) && flags.executor === undefined && flags.launcher !== true) {
      return await printKept(context, cluster, status, { since, asDocument: isDocument(flags.output) });
    }
    if (parts.length === 0) throw noLogs(status, flags, areGone);
    const lines = mergeByTime(
      parts.map((part) => ({ part: part.part, lines: readPart(context, cluster, part, { since, follow: false }) })),
    );
    if (isDocument(flags.output)) {
      const items: { part: string; time: string; text: string }[] = [];
      for await (const line of lines) items.push(line);
      return { value: { apiVersion: "bulwark/v1", name, items } };
    }
    for await (const { part, text } of lines) print(context, parts.length > 1 ? part : undefined, text);
    return {};
  } finally {
    cluster.connection.close();
  }
}

/** What drivers printed that are gone, where a claim keeps it. */
async function printKept(
  context: Context,
  cluster: Cluster,
  status: JobStatus,
  { since, asDocument }: { since: number | undefined; asDocument: boolean },
): Promise<Result> {
  const items: { part: string; time: string; text: string }[] = [];
  const youngest = since === undefined ? 0 : context.now().getTime() - since * 1000;
  const from = new Date(Math.max(youngest, Date.parse(status.createdAt ?? "") || 0)).toISOString();
  await readKeptLog(context, cluster, status, from, (line) => {
    if (asDocument) items.push({ part: "driver", ...line });
    else print(context, undefined, line.text);
  });
  return asDocument ? { value: { apiVersion: "bulwark/v1", name: status.name, items } } : {};
}

function print({ stdout, progress }: Context, part: string | undefined, text: string): void {
  const line = part === undefined ? `${text}\n` : `[${part.replace(" ", "-")}] ${text}\n`;
  // A log is data of others; on a terminal it shall not steer.
  progress.aside(() => stdout.write(stdout.isTTY === true ? showControls(line) : line));
}

/** Parts that were asked for: those with a container that has begun. */
function choose(status: JobStatus, flags: Flags): PartStatus[] {
  const all = partsOf(status);
  const asked = [
    ...(flags.driver === true ? ["driver"] : []),
    ...(flags.launcher === true ? ["launcher"] : []),
    ...(flags.executor === undefined ? [] : [`executor ${Number(flags.executor)}`]),
  ];
  return all
    .filter(({ part }) => asked.length === 0 || asked.includes(part))
    .filter(({ state }) => state !== "pending" && state !== "unknown");
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
): AsyncGenerator<LogLine> {
  const query = { namespace, pod: part.pod, container: containerOf(part), follow, signal };
  try {
    yield* readLog(connection, since === undefined ? query : { ...query, sinceSeconds: since });
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
  const isOnly = flags.driver === true || flags.launcher === true || flags.executor !== undefined;
  for await (const status of watchRelease(context, cluster, name, context.signal)) {
    for (const part of choose(status, flags)) {
      if (readings.has(part.pod) || part.state === "starting") continue;
      const read = async (): Promise<void> => {
        const inner = { ...context, signal };
        for await (const { text } of readPart(inner, cluster, part, { since, follow: true })) {
          print(context, isOnly ? undefined : part.part, text);
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

function noLogs(status: JobStatus, flags: Flags, isGone: boolean): BulwarkError {
  const { name, namespace, planned, state } = status;
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
