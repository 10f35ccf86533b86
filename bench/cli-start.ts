// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BULWARK, ROOT } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

const RUNS = 15;

/** Wall time of commands that start nothing, against a bare Node that does nothing. */
export async function benchCliStart(): Promise<readonly Bench[]> {
  const job = join(ROOT, "examples", "diagnosis", "job.yaml");
  const calls: Record<string, string[]> = { help: ["--help"], version: ["version"], validate: ["validate", job] };
  // Once before, so that every side has its compile cache.
  for (const args of Object.values(calls)) await time(BULWARK, args);
  return [
    {
      peerName: "node-e-0",
      runs: RUNS,
      ours: Object.fromEntries(
        Object.entries(calls).map(([name, args]) => [
          `cli-start-${name}`,
          async () => (await time(BULWARK, args)).seconds,
        ]),
      ),
      peer: async () => (await time(process.execPath, ["-e", "0"])).seconds,
    },
  ];
}
