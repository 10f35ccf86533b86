// SPDX-License-Identifier: Apache-2.0
import { isEnded, type JobStatus } from "@bulwark/kubernetes";
import type { Context, Result } from "../command.ts";
import { isDocument, renderStreamed } from "../output/print.ts";
import { type Cluster, openCluster } from "./open.ts";
import { describeSecurity, describeStatus, simulationMark } from "./present.ts";
import { readRelease } from "./read-release.ts";
import { watchRelease } from "./watch-release.ts";

type Flags = Readonly<Record<string, unknown>>;

const CLEAR = "\u001b[H\u001b[2J";

/** `bulwark status NAME` in a cluster, once or until the job ends. */
export async function showStatus(context: Context, name: string, flags: Flags): Promise<Result> {
  const cluster = await openCluster(context, flags);
  try {
    const { status } = await readRelease(cluster, name);
    if (flags.security === true) {
      return { value: { apiVersion: "bulwark/v1", name, ...status.security }, text: describeSecurity(status) };
    }
    if (flags.watch !== true) return { value: status, text: describeStatus(status, context.now()) };
    return await watch(context, cluster, status, flags);
  } finally {
    cluster.connection.close();
  }
}

/** On a terminal the whole status anew after each change; elsewhere a line or a document for each. */
async function watch(context: Context, cluster: Cluster, { name }: JobStatus, { output }: Flags): Promise<Result> {
  let told = "";
  for await (const status of watchRelease(context, cluster, name, context.signal)) {
    if (context.stdout.isTTY === true && !isDocument(output)) {
      context.stdout.write(`${CLEAR}${describeStatus(status, context.now())}\n`);
    } else {
      const line = isDocument(output) ? await renderStreamed(status, output) : `${toLine(status)}\n`;
      if (line !== told) context.stdout.write(line);
      told = line;
    }
    if (isEnded(status)) return {};
  }
  throw context.signal.reason;
}

/** One change in one line. */
export function toLine(status: JobStatus): string {
  const { name, state, counts, progress, reason } = status;
  const stages = progress === undefined ? "" : `stages ${progress.stages.done}/${progress.stages.total}`;
  const tasks = progress === undefined ? "" : `tasks ${progress.tasks.done}/${progress.tasks.total}`;
  return [
    name,
    state,
    `executors ${counts.running}/${counts.wanted}`,
    stages,
    tasks,
    simulationMark(status),
    reason?.words ?? "",
  ]
    .filter((part) => part !== "")
    .join("  ");
}
