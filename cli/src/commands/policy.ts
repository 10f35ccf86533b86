// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CommandSpec } from "../command.ts";
import type { Action } from "./attest/action.ts";
import { check } from "./policy/check.ts";
import { explain } from "./policy/explain.ts";

const ACTIONS: Readonly<Record<string, Action>> = { check, explain };

/** `bulwark policy`: checks appraisal policies, and tells what one would say of evidence. */
export const spec: CommandSpec = {
  configure(command) {
    for (const [name, action] of Object.entries(ACTIONS)) {
      action.configure(command.command(name).description(action.description));
    }
  },
  examples: [
    "bulwark policy check policy.yaml",
    "bulwark policy explain policy.yaml --evidence quote.bin",
    "bulwark policy explain policy.yaml --evidence quote.bin --collateral collateral/",
  ],
  async execute(context, { args, flags, path }) {
    const action = ACTIONS[path[0] ?? ""];
    if (action === undefined) {
      const mend = `bulwark policy ${Object.keys(ACTIONS).join("|")}`;
      throw new BulwarkError("USAGE", "Say what to do with the policy.", mend);
    }
    return action.execute(context, { args, flags });
  },
};
