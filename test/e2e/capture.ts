// SPDX-License-Identifier: Apache-2.0
// What passes a network interface, and how often a marker is in it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { until } from "./harness.ts";

const RECORDER = join(import.meta.dirname, "capture.py");
const NOT_PERMITTED = 77;
/** Length of a marker. */
export const MARKER_BYTES = 24;

/** A text that nothing else contains. */
export const makeMarker = (): string => randomBytes(MARKER_BYTES / 2).toString("hex");

export const toHex = (text: string): string => Buffer.from(text).toString("hex");

/** How often a marker stands in the bytes. */
export function countHits(bytes: Buffer, marker: string): number {
  let hits = 0;
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) hits++;
  return hits;
}

/**
 * Records an interface, or with "any" all but loopback; undefined where that is not permitted.
 *
 * @returns `stop` gives what was recorded: `parseSegments` reads it
 */
export async function startCapture(
  context: TestContext,
  networkInterface: string,
): Promise<{ stop(): Promise<Buffer> } | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-capture-"));
  const file = join(folder, "segments");
  const recorder = spawn("python3", [RECORDER, file, networkInterface], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(recorder, "close");
  context.after(async () => {
    recorder.kill();
    await closed;
    await rm(folder, { recursive: true });
  });
  let said = "";
  recorder.stdout.on("data", (chunk) => {
    said += String(chunk);
  });
  await until("the recorder", () => said.includes("ready") || recorder.exitCode !== null);
  if (recorder.exitCode === NOT_PERMITTED) return undefined;
  return {
    async stop() {
      recorder.stdin.end();
      const [code] = await closed;
      assert.equal(code, 0);
      // What the kernel dropped nobody looked at.
      assert.match(said, /^dropped 0$/m);
      return readFile(file);
    },
  };
}

/** One TCP segment with a payload, addresses as text. */
export type Segment = { from: string; to: string; source: number; target: number; payload: Buffer };
const HEADER_BYTES = 20;

/** The records that capture.py wrote. */
export function parseSegments(bytes: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEADER_BYTES + bytes.readUInt32BE(at + 16);
    const address = (offset: number): string => bytes.subarray(at + offset, at + offset + 4).join(".");
    segments.push({
      from: address(0),
      to: address(4),
      source: bytes.readUInt16BE(at + 8),
      target: bytes.readUInt16BE(at + 10),
      payload: bytes.subarray(at + HEADER_BYTES, end),
    });
    at = end;
  }
  return segments;
}
