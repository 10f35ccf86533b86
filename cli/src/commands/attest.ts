// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CommandSpec } from "../command.ts";
import type { Action } from "./attest/action.ts";
import { fetchCollateral } from "./attest/collateral-fetch.ts";
import { showCollateral } from "./attest/collateral-show.ts";
import { show } from "./attest/show.ts";
import { simulate } from "./attest/simulate.ts";
import { verify } from "./attest/verify.ts";

const COLLATERAL: Readonly<Record<string, Action>> = { fetch: fetchCollateral, show: showCollateral };
const ACTIONS: Readonly<Record<string, Action>> = { show, verify, simulate };

/** `bulwark attest`: looks at evidence, verifies it, brings collateral, and makes simulated evidence. */
export const spec: CommandSpec = {
  configure(command) {
    for (const [name, action] of Object.entries(ACTIONS)) {
      action.configure(command.command(name).description(action.description));
    }
    const collateral = command
      .command("collateral")
      .description("fetch and show what a verification needs beside evidence");
    for (const [name, action] of Object.entries(COLLATERAL)) {
      action.configure(collateral.command(name).description(action.description));
    }
  },
  examples: [
    "bulwark attest show quote.bin",
    "bulwark attest verify quote.bin --policy policy.yaml",
    "bulwark attest verify quote.bin --policy policy.yaml --collateral collateral/ -o json",
    "base64 quote.bin | bulwark attest verify - --at 2026-03-01T12:00:00Z",
    "bulwark attest collateral fetch quote.bin --to collateral/",
    "bulwark attest collateral show collateral/",
    "bulwark attest simulate --to demo/",
    "bulwark attest simulate --to demo/ --tee sgx --status OutOfDate",
    "bulwark attest simulate --list-faults",
  ],
  async execute(context, { args, flags, path }) {
    const [verb = "", second = ""] = path;
    const action = verb === "collateral" ? COLLATERAL[second] : ACTIONS[verb];
    if (action === undefined) {
      const mend = `bulwark attest ${[...Object.keys(ACTIONS), "collateral"].join("|")}`;
      throw new BulwarkError("USAGE", "Say what to do with the evidence.", mend);
    }
    return action.execute(context, { args, flags });
  },
};
