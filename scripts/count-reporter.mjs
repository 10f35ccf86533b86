// SPDX-License-Identifier: Apache-2.0
// A reporter of Node's test runner that writes one line of JSON: how many tests passed, failed and were skipped, and
// which failed.
import { relative } from "node:path";

/** @typedef {{ file?: string, name?: string, details?: { error?: Error }, counts?: Record<string, number> }} Data */

/** @param {AsyncIterable<{ type: string, data: Data }>} source */
export default async function* reportCounts(source) {
  const failures = [];
  for await (const { type, data } of source) {
    if (type === "test:fail" && data.details?.error?.failureType !== "subtestsFailed") failures.push(describe(data));
    // Without a file it is the summary of all files.
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { passed, failed, cancelled, skipped, todo } = data.counts;
    yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo, failures })}\n`;
  }
}

/** Lines of a message: what a failed tool printed ends with its reason. */
const LAST_LINES = 20;

/** @param {Data} data */
function describe({ file, name, details }) {
  const cause = details?.error?.cause;
  const message = String(cause?.message ?? cause ?? details?.error?.message ?? "").trim();
  const lines = message.split("\n").slice(-LAST_LINES);
  return [`${relative(process.cwd(), file ?? "")}: ${name}: ${lines[0]}`, ...lines.slice(1)].join("\n  ");
}
