// SPDX-License-Identifier: Apache-2.0
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { sweepProcesses } from "./processes.ts";
import { listRecords, type RunRecord, saveRecord } from "./record.ts";

/** Removes what runs left whose supervisor and guard died together, as in a power cut. */
export async function cleanLostRuns(runsFolder: string, now: Date): Promise<void> {
  const records = await listRecords(runsFolder);
  const uncleaned = records.filter(({ state, endedAt }) => state === "lost" && endedAt === undefined);
  for (const record of uncleaned) await cleanLostRun(runsFolder, record, now);
}

/** Processes, secrets, scratch files and half-written output of one lost run; its logs stay. */
export async function cleanLostRun(runsFolder: string, record: RunRecord, now: Date): Promise<RunRecord> {
  await sweepProcesses(record.id);
  const folder = join(runsFolder, record.id);
  for (const path of [join(folder, "secrets"), join(folder, "work"), ...record.unfinished]) {
    await rm(path, { recursive: true, force: true });
  }
  const cleaned: RunRecord = { ...record, state: "lost", endedAt: now.toISOString() };
  await saveRecord(runsFolder, cleaned);
  return cleaned;
}
