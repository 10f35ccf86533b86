// SPDX-License-Identifier: Apache-2.0
import { createInterface } from "node:readline/promises";
import { BulwarkError, parseDurationMs } from "@bulwark/contracts";
import type { Leftover } from "@bulwark/kubernetes";
import {
  type Deleted,
  deleteEvery,
  deleteLeftovers,
  deleteRelease,
  listObjects,
  readHelmNames,
} from "../cluster/delete.ts";
import { addClusterFlags, textFlag } from "../cluster/flags.ts";
import { type Cluster, openCluster } from "../cluster/open.ts";
import { checkNamespace } from "../cluster/preflight.ts";
import type { CommandSpec, Context, Result } from "../command.ts";

const PATIENCE = "60s";

/** `bulwark delete`: takes a job out of the cluster, and does not return before nothing of it is left. */
export const spec: CommandSpec = {
  examples: [
    "bulwark delete sales -n analytics",
    "bulwark delete --all -n analytics --yes",
    "bulwark delete --leftovers -n analytics",
  ],
  configure(command) {
    command
      .argument("[name]", "name of the release")
      .option("--all", "every job of the namespace")
      .option("--leftovers", "only what belongs to no release (any more), left by runs that died")
      .option("--yes", "do not ask")
      .option("--timeout <duration>", `longest time to wait, ${PATIENCE} by default`);
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    const [name] = args;
    const timeoutMs = readTimeout(textFlag(flags, "timeout") ?? PATIENCE);
    if (flags.all === true && name !== undefined) throw usage("Give a name, or --all.");
    if (name === undefined && flags.all !== true && flags.leftovers !== true) throw usage("Say what to delete.");
    const cluster = await openCluster(context, flags);
    try {
      if (flags.leftovers === true) return toLeftoverResult(await deleteLeftovers(context, cluster, name));
      if (name !== undefined) return toResult([await deleteOne(context, cluster, name, timeoutMs)]);
      await checkNamespace(cluster);
      if (flags.yes !== true) await confirm(context, cluster);
      return toResult(await deleteEvery(context, cluster, timeoutMs));
    } finally {
      cluster.connection.close();
    }
  },
};

const usage = (message: string): BulwarkError =>
  new BulwarkError("USAGE", message, "bulwark delete NAME, bulwark delete --all, or bulwark delete --leftovers");

async function deleteOne(context: Context, cluster: Cluster, name: string, timeoutMs: number): Promise<Deleted> {
  const [known, objects] = await Promise.all([readHelmNames(cluster), listObjects(cluster, name)]);
  if (objects.length === 0) {
    await checkNamespace(cluster);
    const { suggestName } = await import("@bulwark/contracts/suggest-name");
    const near = suggestName(name, [...known]);
    const mend =
      near === undefined ? `see what there is: bulwark list -n ${cluster.namespace}` : `did you mean ${near}?`;
    throw new BulwarkError("RELEASE_UNKNOWN", `There is no job ${name} in namespace ${cluster.namespace}.`, mend);
  }
  return deleteRelease(context, cluster, name, { helm: undefined, isKnown: known.has(name), timeoutMs });
}

/** The one question that the tool asks. */
async function confirm({ stdin, stderr, signal }: Context, cluster: Cluster): Promise<void> {
  const { namespace, connection } = cluster;
  const { context, server } = connection.access;
  const where = `namespace ${namespace} of ${context} (${server.host})`;
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new BulwarkError("USAGE", `This would delete every job in ${where}.`, "add --yes if that is meant");
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const answer = await lines.question(`Delete every job in ${where}? Type the namespace to go on: `, { signal });
    if (answer.trim() !== namespace) throw new BulwarkError("INTERRUPTED", "Nothing was deleted.", "bulwark list");
  } finally {
    lines.close();
  }
}

function toResult(deleted: readonly Deleted[]): Result {
  return {
    value: { apiVersion: "bulwark/v1", items: deleted },
    table: {
      rows: deleted,
      name: ({ name }: Deleted) => name,
      empty: "There was nothing to delete.",
      columns: [
        { heading: "name", cell: ({ name }: Deleted) => name },
        { heading: "namespace", cell: ({ namespace }: Deleted) => namespace },
        { heading: "objects", cell: ({ objects }: Deleted) => String(objects) },
        { heading: "state", cell: () => "deleted" },
      ],
    },
  };
}

function toLeftoverResult(leftovers: readonly Leftover[]): Result {
  const items = leftovers.map(({ resource, name, release, createdAt }) => ({
    kind: resource.kind,
    name,
    release,
    createdAt,
  }));
  type Item = (typeof items)[number];
  return {
    value: { apiVersion: "bulwark/v1", items },
    table: {
      rows: items,
      name: ({ kind, name }: Item) => `${kind}/${name}`,
      empty: "No leftovers.",
      columns: [
        { heading: "kind", cell: ({ kind }: Item) => kind },
        { heading: "name", cell: ({ name }: Item) => name },
        { heading: "release", cell: ({ release }: Item) => release },
        { heading: "state", cell: () => "deleted" },
      ],
    },
  };
}

function readTimeout(text: string): number {
  if (/^[1-9]\d*(ms|s|m|h)$/.test(text)) return parseDurationMs(text);
  throw new BulwarkError("USAGE", `--timeout ${text} is no duration.`, "for instance: --timeout 2m");
}
