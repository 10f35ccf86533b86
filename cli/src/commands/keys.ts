// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CommandSpec } from "../command.ts";
import type { KeysAction } from "./keys/action.ts";
import { check } from "./keys/check.ts";
import { exportKeys } from "./keys/export.ts";
import { init } from "./keys/init.ts";
import { rotate } from "./keys/rotate.ts";
import { show } from "./keys/show.ts";

const ACTIONS: Readonly<Record<string, KeysAction>> = { init, show, rotate, export: exportKeys, check };

/** `bulwark keys`: makes, shows, renews, exports and checks the keys of this user. Never asks. */
export const spec: CommandSpec = {
  configure(command) {
    for (const [name, action] of Object.entries(ACTIONS)) {
      action.configure(command.command(name).description(action.description));
    }
  },
  examples: [
    "bulwark keys init --data patients",
    "bulwark keys show",
    "bulwark keys rotate --certificates",
    "bulwark keys export --kubernetes --namespace jobs | kubectl apply --server-side -f -",
    "bulwark keys check",
  ],
  async execute(context, { flags, path }) {
    const action = ACTIONS[path[0] ?? ""];
    if (action === undefined) {
      throw new BulwarkError("USAGE", "Say what to do with the keys", `bulwark keys ${Object.keys(ACTIONS).join("|")}`);
    }
    return action.execute(context, flags);
  },
};
