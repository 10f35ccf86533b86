// SPDX-License-Identifier: Apache-2.0
import { describeRelease } from "../cluster/describe.ts";
import { addClusterFlags } from "../cluster/flags.ts";
import type { CommandSpec } from "../command.ts";

/** `bulwark describe`: everything that is known of a job in a cluster. */
export const spec: CommandSpec = {
  examples: ["bulwark describe sales", "bulwark describe sales -n analytics -o yaml"],
  configure(command) {
    command.argument("<name>", "name of the release");
    addClusterFlags(command);
  },
  execute: (context, { args, flags }) => describeRelease(context, args[0] ?? "", flags),
};
