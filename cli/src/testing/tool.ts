// SPDX-License-Identifier: Apache-2.0
// The tool with commands that do what no real one should: for tests of the frame around them.
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CommandSpec, CommandTable } from "../command.ts";
import { runTool } from "../frame/run-tool.ts";

const A_MINUTE_MS = 60_000;

const EXECUTE: Readonly<Record<string, CommandSpec["execute"]>> = {
  /** Ends when asked to. */
  wait: async ({ stdout, signal }) => {
    stdout.write("ready\n");
    await delay(A_MINUTE_MS, undefined, { signal });
    return {};
  },
  /** Does not. */
  hang: async ({ stdout }) => {
    stdout.write("ready\n");
    await delay(A_MINUTE_MS);
    return {};
  },
  /** Writes until nobody reads, and then ends. */
  pour: async ({ stdout, signal }) => {
    while (!signal.aborted) {
      stdout.write("line\n".repeat(1000));
      await delay(1);
    }
    throw signal.reason;
  },
  flood: async () => ({ text: "x".repeat(5_000_000) }),
  foreign: async () => {
    throw new TypeError("boom");
  },
  forgotten: async () => {
    void Promise.reject(new TypeError("boom"));
    await delay(A_MINUTE_MS);
    return {};
  },
  coded: async () => {
    throw new BulwarkError("JOB_FAILED", "It failed \u001b[31m.", "look", {
      findings: [{ code: "JOB_INVALID", file: "a.yaml", line: 3, column: 7, message: "bad", mend: "mend it" }],
    });
  },
  exit: async () => ({ value: { ended: true }, text: "done", exitCode: 6 }),
};

const commands: CommandTable = Object.fromEntries(
  Object.entries(EXECUTE).map(([name, execute]) => {
    const spec: CommandSpec = { configure() {}, examples: [`bulwark ${name}`], execute };
    return [name, { group: "jobs", summary: name, load: async () => ({ spec }) }];
  }),
);

await runTool(process, commands);
