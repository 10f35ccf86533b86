// SPDX-License-Identifier: Apache-2.0
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sweepProcesses } from "./processes.ts";
import { listRecords, type RunRecord } from "./record.ts";

/** Removes what runs left whose supervisor and guard died together, as in a power cut. */
export async function cleanLostRuns(runsFolder: string): Promise<void> {
  const records = await listRecords(runsFolder);
  for (const record of records.filter(({ state }) => state === "lost")) await cleanLostRun(runsFolder, record);
}

/** Processes, secrets, scratch files and half-written output of one lost run; its logs stay. */
export async function cleanLostRun(runsFolder: string, record: RunRecord): Promise<void> {
  await sweepProcesses(record.id);
  const folder = join(runsFolder, record.id);
  for (const path of [join(folder, "secrets"), join(folder, "work"), ...record.unfinished]) {
    await rm(path, { recursive: true, force: true });
  }
}
