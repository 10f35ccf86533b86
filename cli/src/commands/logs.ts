// SPDX-License-Identifier: Apache-2.0
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts";
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import { demandName } from "../cluster/name.ts";
import type { CommandSpec, Context } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { followLines } from "../runs/events.ts";
import { findRecord, isEnded } from "../runs/record.ts";

const WATCH_MS = 500;

/** `bulwark logs`: what driver and executors wrote, each line with its part in front. */
export const spec: CommandSpec = {
  examples: [
    "bulwark logs",
    "bulwark logs diagnosis --driver",
    "bulwark logs diagnosis --executor 1 -f",
    "bulwark logs sales -n analytics --since 10m",
  ],
  configure(command) {
    command
      .argument("[name]", "id of a run, or name of a job; the newest run by default")
      .option("--driver", "only the driver")
      .option("--executor <number>", "only one executor")
      .option("--launcher", "only the launcher (cluster, deployMode cluster)")
      .option("-f, --follow", "go on until the run ends")
      .option("--previous", "of the attempt before this one, of a schedule the run before (cluster)")
      .option("--since <duration>", "only what is younger, for instance 10m (cluster)");
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    if (meansCluster(context, flags)) {
      const { printLogs } = await import("../cluster/logs.ts");
      return printLogs(context, demandName(args[0]), flags);
    }
    const record = await findRecord(context.paths.runs, args[0]);
    const folder = join(context.paths.runs, record.id, "logs");
    const parts = choose(await readdir(folder).catch(() => []), flags);
    if (parts.length === 0) {
      throw new BulwarkError(
        "RUN_UNKNOWN",
        `${record.id} has no such log.`,
        `see what there is: bulwark logs ${record.id}`,
      );
    }
    const end = flags.follow === true && !isEnded(record) ? watchEnd(context, record.id) : AbortSignal.abort();
    if (isDocument(flags.output)) {
      const read = await Promise.all(
        parts.map(async (part) => ({ part, lines: await collect(join(folder, part), end) })),
      );
      return { value: { run: record.id, items: read } };
    }
    await Promise.all(
      parts.map((part) => print(context, join(folder, part), parts.length > 1 ? part : undefined, end)),
    );
    return {};
  },
};

function choose(names: readonly string[], flags: Readonly<Record<string, unknown>>): string[] {
  const wanted =
    flags.executor === undefined
      ? flags.driver === true
        ? /^driver\./
        : /^(driver|executor-\d+)\./
      : new RegExp(`^executor-${Number(flags.executor)}\\.`);
  return names.filter((name) => wanted.test(name)).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

async function collect(path: string, end: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of followLines(path, end)) lines.push(line);
  return lines;
}

async function print(context: Context, path: string, part: string | undefined, end: AbortSignal): Promise<void> {
  for await (const line of followLines(path, end)) {
    context.stdout.write(part === undefined ? `${line}\n` : `[${part}] ${line}\n`);
  }
}

/** A signal that is aborted when the run has ended or the user has had enough. */
function watchEnd(context: Context, id: string): AbortSignal {
  const ended = new AbortController();
  const watch = async (): Promise<void> => {
    while (!context.signal.aborted && !isEnded(await findRecord(context.paths.runs, id))) {
      await delay(WATCH_MS, undefined, { signal: context.signal }).catch(() => undefined);
    }
    ended.abort();
  };
  watch().catch(() => ended.abort());
  return ended.signal;
}
