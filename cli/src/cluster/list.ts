// SPDX-License-Identifier: Apache-2.0
import type { JobStatus } from "@bulwark/kubernetes";
import type { Context, Result } from "../command.ts";
import { isDocument, renderResult, renderStreamed } from "../output/print.ts";
import { type Cluster, openCluster } from "./open.ts";
import { checkNamespace } from "./preflight.ts";
import { listColumns, simulationMark } from "./present.ts";
import { readReleases } from "./read-release.ts";
import { watchReleases } from "./watch-release.ts";

type Flags = Readonly<Record<string, unknown>>;

/** `bulwark list` in a cluster: every job of a namespace, or of all. */
export async function listInCluster(context: Context, flags: Flags): Promise<Result> {
  const cluster = await openCluster(context, flags);
  try {
    const allNamespaces = flags.allNamespaces === true;
    if (flags.watch === true) {
      // A watch waits for a server that is away, so whether there is one is asked before.
      await (allNamespaces
        ? cluster.connection.ask({ path: "/version", what: "ask for the version" })
        : checkNamespace(cluster));
      return await watchList(context, cluster, { output: flags.output, allNamespaces });
    }
    const statuses = await readReleases(cluster, { allNamespaces, signal: context.signal });
    if (statuses.length === 0 && !allNamespaces) await checkNamespace(cluster);
    return toResult(statuses, context.now(), { allNamespaces, namespace: cluster.namespace });
  } finally {
    cluster.connection.close();
  }
}

function toResult(
  statuses: readonly JobStatus[],
  now: Date,
  { allNamespaces, namespace }: { allNamespaces: boolean; namespace: string },
): Result {
  return {
    value: { apiVersion: "bulwark/v1", items: statuses },
    table: {
      rows: statuses,
      name: (status: JobStatus) => status.name,
      empty: allNamespaces
        ? "No jobs in the cluster."
        : `No jobs in namespace ${namespace}. Start one: bulwark submit -f job.yaml -n ${namespace}`,
      columns: listColumns(now, allNamespaces),
    },
  };
}

const CLEAR = "\u001b[H\u001b[2J";

/** Redraws the table on a terminal; elsewhere one line, or one document, per job that changed. */
async function watchList(
  context: Context,
  cluster: Cluster,
  { output, allNamespaces }: { output: unknown; allNamespaces: boolean },
): Promise<Result> {
  const told = new Map<string, string>();
  const { namespace } = cluster;
  for await (const statuses of watchReleases(context, cluster, { allNamespaces, signal: context.signal })) {
    const sorted = statuses.toSorted((one, two) => (two.createdAt ?? "").localeCompare(one.createdAt ?? ""));
    if (context.stdout.isTTY === true && !isDocument(output)) {
      const shown = toResult(sorted, context.now(), { allNamespaces, namespace });
      context.stdout.write(`${CLEAR}${await renderResult(shown, "table")}`);
      continue;
    }
    for (const status of sorted) {
      const place = allNamespaces ? `${status.namespace}/` : "";
      const line = isDocument(output) ? await renderStreamed(status, output) : `${place}${toListLine(status)}\n`;
      const key = `${status.namespace}/${status.name}`;
      if (told.get(key) !== line) context.stdout.write(line);
      told.set(key, line);
    }
  }
  throw context.signal.reason;
}

/** One job that changed, in one line. */
export function toListLine(status: JobStatus): string {
  const { name, state, counts, reason } = status;
  return [name, state, `${counts.running}/${counts.wanted}`, simulationMark(status), reason?.words ?? ""]
    .filter((part) => part !== "")
    .join("  ");
}
