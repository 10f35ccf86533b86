// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ERRORS, type ErrorCode } from "@bulwark/contracts";
import type { RunEvent } from "./events.ts";
import type { RunFailure } from "./record.ts";

/** What to do about a refusal that came out of the job; every other failure points to its log. */
const MENDS: Partial<Record<ErrorCode, string>> = {
  KEY_MISSING: "name the key in the job file under data, and make it if need be: bulwark keys init --data NAME",
  KEY_WRONG: "use the keyring the data was encrypted with; see the ids: bulwark data inspect PATH",
  DATA_TAMPERED: "restore the file from a copy you trust",
  DATA_TRUNCATED: "restore the file from a copy you trust; the transfer was cut short",
  DATA_MALFORMED: "correct the record, or name the right --format",
  DATA_NOT_PARQUET: "give a folder of Parquet files",
  DATA_MISSING: "correct the path",
  COLUMN_UNKNOWN: "correct the column's name in the job file under data",
};

/** The codes our Java speaks in. Others, as USAGE, are words that a job's own program may print. */
const JAVA_CODES = Object.keys(ERRORS).filter((code) => /^(KEY|KEYRING|DATA|COLUMN)_|^OUTPUT_EXISTS$/.test(code));
const CODED = new RegExp(`\\b(${JAVA_CODES.join("|")}): ([^\\n]*)`);
/** How Java says that a file system takes no more. */
const FULL = /[^\n]*(?:No space left on device|Disk quota exceeded)/;
const TAIL_BYTES = 64 * 1024;

/**
 * Says why an application failed: the first line of the exception, the stage and executor where it happened, and the
 * log that tells more.
 */
export async function explainFailure(events: readonly RunEvent[], logs: string): Promise<RunFailure> {
  const errors = await readTail(join(logs, "driver.err"));
  const thrown = lastOf(events, "failure");
  const job = lastOf(events, "job-failed");
  const task = lastOf(events, "task-failed");
  const python = pythonException(errors);
  const where = job && task ? locateTask(task, logs) : { log: join(logs, python ? "driver.err" : "driver.log") };
  const told = [
    thrown?.code && `${thrown.code}: ${thrown.message}`,
    job?.code && `${job.code}: ${job.message}`,
    job?.message,
    task?.reason,
    thrown?.message,
    errors,
  ];
  const full = FULL.exec(told.join("\n"))?.[0].trim();
  if (full !== undefined) return { code: "DISK_FULL", message: full, mend: "make space: df -h", ...where };
  const coded = findCoded(told);
  if (coded) return { ...coded, mend: MENDS[coded.code] ?? `read ${where.log}`, ...where };
  const message =
    taskException(job?.message) ?? python ?? (thrown && `${thrown.class}: ${thrown.message ?? ""}`) ?? lastLine(errors);
  return {
    code: "JOB_FAILED",
    message: message ?? "The driver ended without a word.",
    mend: `read ${where.log}`,
    ...where,
  };
}

function lastOf<T extends RunEvent["type"]>(
  events: readonly RunEvent[],
  type: T,
): Extract<RunEvent, { type: T }> | undefined {
  return events.findLast((event): event is Extract<RunEvent, { type: T }> => event.type === type);
}

function locateTask(task: Extract<RunEvent, { type: "task-failed" }>, logs: string) {
  if (task.executor === undefined) return { stage: task.stage, log: join(logs, "driver.log") };
  return { stage: task.stage, executor: task.executor, log: join(logs, `executor-${task.executor}.log`) };
}

/** The first text that carries one of our codes ("KEY_WRONG: sentence"). */
function findCoded(texts: readonly (string | undefined)[]): { code: ErrorCode; message: string } | undefined {
  const match = texts.map((text) => CODED.exec(text ?? "")).find((found) => found !== null);
  return match ? { code: match[1] as ErrorCode, message: match[2] ?? "" } : undefined;
}

/** The exception inside Spark's "Job aborted due to stage failure: ... Lost task 0.3 ... (host executor 1): EXCEPTION". */
function taskException(message: string | undefined): string | undefined {
  if (message === undefined) return undefined;
  const inner = /most recent failure: .*?\(TID \d+\) \([^)]*\): ([^\n]+)/.exec(message)?.[1];
  // A Python worker's exception hides the program's own behind a traceback.
  return pythonException(message) ?? inner ?? message.split("\n")[0];
}

/** Last line of the last Python traceback in a text. */
function pythonException(text: string): string | undefined {
  const start = text.lastIndexOf("Traceback (most recent call last)");
  if (start < 0) return undefined;
  return text
    .slice(start)
    .split("\n")
    .find((line, index) => index > 0 && /^[\w.]+(Error|Exception|Interrupt|Exit|Warning)?(: |$)/.test(line));
}

function lastLine(text: string): string | undefined {
  return text.split("\n").findLast((line) => line.trim() !== "");
}

async function readTail(path: string): Promise<string> {
  const content = await readFile(path).catch(() => Buffer.alloc(0));
  return content.subarray(-TAIL_BYTES).toString("utf8");
}
