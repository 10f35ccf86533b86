// SPDX-License-Identifier: Apache-2.0
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** What the driver says while it runs; written by `bulwark.observe.Events`. `at` is in milliseconds since 1970. */
export type RunEvent = { at: number } & (
  | { type: "ready"; url: string; ui?: string }
  | { type: "environment"; settings: Readonly<Record<string, string>> }
  | { type: "block-manager"; executor: string; address: string }
  | { type: "executor-added"; executor: string }
  | { type: "executor-removed"; executor: string; reason?: string }
  | { type: "stage"; stage: number; name: string; tasks: number }
  | { type: "tasks"; stage: number; done: number; of: number }
  | { type: "task-failed"; stage: number; executor?: string; reason: string }
  | { type: "stage-done"; stage: number; tasks: number; failure?: string }
  | { type: "job-failed"; job: number; message?: string; code?: string }
  | { type: "failure"; class: string; message?: string; code?: string }
  | { type: "application-end" }
);

const POLL_MS = 50;
const CHUNK_BYTES = 64 * 1024;

/** Yields whole lines as they are appended to a file, until `signal` is aborted and what was there then has been read. */
export async function* followLines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let rest = "";
  const decoder = new TextDecoder();
  for (let position = 0, last = false; ; ) {
    const read = await readAt(path, buffer, position);
    position += read;
    rest += decoder.decode(buffer.subarray(0, read), { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (read > 0) continue;
    if (last) return;
    last = signal.aborted;
    if (!last) await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Yields the driver's events as they come. A line that is no event is passed over. */
export async function* followEvents(path: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
  for await (const line of followLines(path, signal)) {
    const event = parseEvent(line);
    if (event !== undefined) yield event;
  }
}

/** All events written so far. */
export async function readEvents(path: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const event of followEvents(path, AbortSignal.abort())) events.push(event);
  return events;
}

function parseEvent(line: string): RunEvent | undefined {
  try {
    return JSON.parse(line) as RunEvent;
  } catch {
    return undefined;
  }
}

async function readAt(path: string, buffer: Buffer, position: number): Promise<number> {
  const handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return 0;
  try {
    return (await handle.read(buffer, 0, buffer.length, position)).bytesRead;
  } finally {
    await handle.close();
  }
}
