// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts";
import { writeFileWhole } from "./files.ts";
import { isSameProcess, type ProcessIdentity } from "./processes.ts";

/** Why a run failed, in words a user can act on. */
export type RunFailure = {
  code: ErrorCode;
  message: string;
  mend: string;
  stage?: number;
  executor?: string;
  /** The log that tells more, as a path. */
  log?: string;
};

export type RunState = "starting" | "running" | "succeeded" | "failed" | "stopped" | "lost";

/** What is known of a run; `run.json` in its folder. Holds no secret. */
export type RunRecord = {
  apiVersion: "bulwark/v1";
  id: string;
  name: string;
  state: RunState;
  application: string;
  profile: string;
  tee: string;
  executors: number;
  startedAt: string;
  endedAt?: string;
  /** The supervising `bulwark run`; its end without an end state means that the run was lost. */
  supervisor: ProcessIdentity;
  ui?: string;
  /** Paths that must not stay when the run does not end in order. */
  unfinished: readonly string[];
  attempts: number;
  failure?: RunFailure;
};

const RECORD = "run.json";
const ENDED: ReadonlySet<RunState> = new Set(["succeeded", "failed", "stopped", "lost"]);

/** Whether nothing more will happen to the run. */
export function isEnded(record: RunRecord): boolean {
  return ENDED.has(record.state);
}

/** Writes the record by rename, so that readers in other terminals see the old or the new one. */
export async function saveRecord(runsFolder: string, record: RunRecord): Promise<void> {
  await writeFileWhole(join(runsFolder, record.id, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}

/** Whether a run's record is still where it was written. */
export function hasRecord(runsFolder: string, id: string): boolean {
  return existsSync(join(runsFolder, id, RECORD));
}

/** All runs, the newest first. A run whose supervisor is gone without an end is shown as lost. */
export async function listRecords(runsFolder: string): Promise<RunRecord[]> {
  await mkdir(runsFolder, { recursive: true, mode: 0o700 });
  const names = await readdir(runsFolder);
  const records = await Promise.all(names.map((name) => readRecord(runsFolder, name)));
  return records
    .filter((record) => record !== undefined)
    .sort((a, b) => b.startedAt.localeCompare(a.startedAt) || b.id.localeCompare(a.id));
}

/**
 * Finds one run by its id, or the newest run by its job's name.
 *
 * @throws BulwarkError RUN_UNKNOWN
 */
export async function findRecord(runsFolder: string, nameOrId: string | undefined): Promise<RunRecord> {
  const records = await listRecords(runsFolder);
  const found =
    nameOrId === undefined
      ? records[0]
      : (records.find((record) => record.id === nameOrId) ?? records.find((record) => record.name === nameOrId));
  if (found === undefined) {
    const what = nameOrId === undefined ? "There is no run yet." : `There is no run named ${nameOrId}.`;
    throw new BulwarkError("RUN_UNKNOWN", what, "see the runs: bulwark list");
  }
  return found;
}

async function readRecord(runsFolder: string, id: string): Promise<RunRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(runsFolder, id, RECORD), "utf8")) as RunRecord;
    return isEnded(record) || isSameProcess(record.supervisor) ? record : { ...record, state: "lost" };
  } catch {
    // A folder that is just being made, or was left by hand: not a run.
    return undefined;
  }
}
