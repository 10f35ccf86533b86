// SPDX-License-Identifier: Apache-2.0
import { copyOut } from "../cluster/copy.ts";
import { addClusterFlags } from "../cluster/flags.ts";
import { openCluster } from "../cluster/open.ts";
import { readRelease } from "../cluster/read-release.ts";
import type { CommandSpec } from "../command.ts";

/** `bulwark copy`: results come from the job's claim to this machine. */
export const spec: CommandSpec = {
  examples: ["bulwark copy sales results/report.parquet", "bulwark copy sales results ./results -n analytics"],
  configure(command) {
    command
      .argument("<name>", "name of the release")
      .argument("<path>", "file or folder on the job's claim")
      .argument("[to]", "where to; the same name in this folder by default");
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    const [name = "", path = "", to] = args;
    const cluster = await openCluster(context, flags);
    try {
      const { status } = await readRelease(cluster, name);
      const copied = await copyOut(context, cluster, status, { path, to });
      return { value: { apiVersion: "bulwark/v1", ...copied }, text: copied.to };
    } finally {
      cluster.connection.close();
    }
  },
};
