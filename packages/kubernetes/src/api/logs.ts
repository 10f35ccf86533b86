// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "./connection.ts";
import { pathOf, RESOURCES } from "./resources.ts";
import { splitLines } from "./watch.ts";

/** Which log, and which part of it. */
export type LogQuery = {
  namespace: string;
  pod: string;
  container: string;
  follow?: boolean;
  sinceSeconds?: number;
  tailLines?: number;
  signal?: AbortSignal;
};

/** A line of a container's log with the time at which the node got it. */
export type LogLine = { time: string; text: string };

/** Lines of a container's log as they come. A last line without line break is one too. */
export async function* readLog(connection: Connection, query: LogQuery): AsyncGenerator<LogLine> {
  const { namespace, pod, container, follow, sinceSeconds, tailLines, signal } = query;
  const answer = await connection.stream({
    path: pathOf(RESOURCES.pods, namespace, pod, "log"),
    query: { container, follow, sinceSeconds, tailLines, timestamps: true },
    accept: "*/*",
    what: `read the log of ${pod}`,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    for await (const line of splitLines(withLastBreak(answer))) yield parseLogLine(line);
  } finally {
    answer.destroy();
  }
}

/** Splits `2026-03-01T12:00:00.123456789Z text`. */
export function parseLogLine(line: string): LogLine {
  const at = line.indexOf(" ");
  return at === -1 ? { time: line, text: "" } : { time: line.slice(0, at), text: line.slice(at + 1) };
}

async function* withLastBreak(chunks: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  let last = 10;
  for await (const chunk of chunks) {
    const bytes = chunk as Buffer;
    last = bytes.at(-1) ?? last;
    yield bytes;
  }
  if (last !== 10) yield Buffer.from("\n");
}
