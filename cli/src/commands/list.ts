// SPDX-License-Identifier: Apache-2.0
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import type { CommandSpec } from "../command.ts";
import { formatAge } from "../output/age.ts";
import { listRecords, type RunRecord } from "../runs/record.ts";

/** `bulwark list`: runs on this machine, or jobs in a cluster, the newest first. */
export const spec: CommandSpec = {
  examples: ["bulwark list", "bulwark list -o json", "bulwark list -n analytics", "bulwark list --cluster --watch"],
  configure(command) {
    addClusterFlags(command)
      .option("-A, --all-namespaces", "jobs of every namespace of the cluster")
      .option("-w, --watch", "go on showing changes (cluster)");
  },
  async execute(context, { flags }) {
    if (meansCluster(context, flags)) {
      const { listInCluster } = await import("../cluster/list.ts");
      return listInCluster(context, flags);
    }
    const records = await listRecords(context.paths.runs);
    const now = context.now();
    return {
      value: { apiVersion: "bulwark/v1", items: records },
      table: {
        rows: records,
        name: (record: RunRecord) => record.id,
        empty: "No runs yet. Start one: bulwark run job.yaml",
        columns: [
          { heading: "id", cell: (record: RunRecord) => record.id },
          { heading: "state", cell: (record: RunRecord) => record.state },
          { heading: "tee", cell: (record: RunRecord) => record.tee },
          { heading: "profile", cell: (record: RunRecord) => record.profile },
          { heading: "executors", cell: (record: RunRecord) => String(record.executors) },
          { heading: "age", cell: (record: RunRecord) => formatAge(new Date(record.startedAt), now) },
          { heading: "application", wide: true, cell: (record: RunRecord) => record.application },
        ],
      },
    };
  },
};
