// SPDX-License-Identifier: Apache-2.0
import type { CommandSpec } from "../command.ts";
import { formatAge } from "../output/age.ts";
import { listRecords, type RunRecord } from "../runs/record.ts";

/** `bulwark list`: runs on this machine, the newest first. */
export const spec: CommandSpec = {
  examples: ["bulwark list", "bulwark list -o json", "bulwark list -o name"],
  configure() {},
  async execute(context) {
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
