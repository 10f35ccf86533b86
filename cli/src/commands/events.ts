// SPDX-License-Identifier: Apache-2.0
import { showEvents } from "../cluster/describe.ts";
import { addClusterFlags } from "../cluster/flags.ts";
import type { CommandSpec } from "../command.ts";

/** `bulwark events`: what the cluster says of a job's objects. */
export const spec: CommandSpec = {
  examples: ["bulwark events sales", "bulwark events sales -n analytics --warnings"],
  configure(command) {
    command.argument("<name>", "name of the release").option("--warnings", "only warnings");
    addClusterFlags(command);
  },
  execute: (context, { args, flags }) => showEvents(context, args[0] ?? "", flags),
};
