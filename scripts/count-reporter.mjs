// SPDX-License-Identifier: Apache-2.0
// A reporter of Node's test runner that writes one line of JSON: how many tests passed, failed and were skipped.

/** @param {AsyncIterable<{ type: string, data: { file?: string, counts?: Record<string, number> } }>} source */
export default async function* reportCounts(source) {
  for await (const { type, data } of source) {
    // Without a file it is the summary of all files.
    if (type !== "test:summary" || data.file !== undefined) continue;
    const { passed, failed, cancelled, skipped, todo } = data.counts;
    yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped: skipped + todo })}\n`;
  }
}
