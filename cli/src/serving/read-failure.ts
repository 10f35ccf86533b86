// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Why an engine ended, in its own words. */
export type Failure = { code: string; message: string; mend: string };

/** Longer than what an engine says of its failure. */
const TAIL_BYTES = 2 ** 14;

/** What an engine's log says last, where that is why it failed. */
export function readFailure(log: string): Failure | undefined {
  try {
    const { event, code, message, mend } = JSON.parse(readTail(log).trimEnd().split("\n").at(-1) ?? "");
    return event === "failed" ? { code: String(code), message: String(message), mend: String(mend) } : undefined;
  } catch {
    return undefined;
  }
}

function readTail(path: string): string {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, TAIL_BYTES));
    return tail.subarray(0, readSync(file, tail, 0, tail.length, size - tail.length)).toString("utf8");
  } finally {
    closeSync(file);
  }
}
