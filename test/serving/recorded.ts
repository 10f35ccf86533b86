// SPDX-License-Identifier: Apache-2.0
// What a recording of the network or a file of Redis shows of numbers that nothing else contains.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { parseSegments } from "../e2e/capture.ts";
import type { QueueStack } from "./stack.ts";

export type Marker = { values: Float32Array; forms: readonly Buffer[] };

/** Numbers with the forms that somebody could find them in: as they lie in memory, in JSON, in base64. */
export function toMarker(values: Float32Array): Marker {
  const raw = Buffer.from(values.buffer);
  const coded = [0, 1, 2].map((shift) => {
    // Each of three bytes' alignments; the ends depend on what stands beside them.
    const text = Buffer.concat([Buffer.alloc(shift), raw]).toString("base64");
    return Buffer.from(text.slice(4, -4));
  });
  return { values, forms: [raw, Buffer.from(String([...values])), ...coded] };
}

export const isIn = (bytes: Buffer, markers: readonly Marker[]): boolean =>
  markers.some(({ forms }) => forms.some((form) => bytes.includes(form)));

export type Flow = { ports: [number, number]; bytes: Buffer };

/** The payloads of each direction of each connection, one after the other. */
export function readFlows(record: Buffer): Flow[] {
  const flows = Map.groupBy(parseSegments(record), ({ source, target }) => `${source} ${target}`);
  return [...flows.values()].map((segments) => ({
    ports: [segments[0]?.source ?? 0, segments[0]?.target ?? 0],
    bytes: Buffer.concat(segments.map(({ payload }) => payload)),
  }));
}

/** Bytes that went to and from a port. */
export const sizeOf = (flows: readonly Flow[], port: number): number =>
  flows.filter(({ ports }) => ports.includes(port)).reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Sends the forms of markers unencrypted, so that it is seen that the recorder would see them. Gives the port. */
export async function sendInTheClear(markers: readonly Marker[]): Promise<number> {
  const server = createServer((socket) => socket.resume().once("end", () => server.close()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  connect(port, "127.0.0.1").end(Buffer.concat(markers.flatMap(({ forms }) => forms)));
  await once(server, "close");
  return port;
}

/** Redis's append-only file holds the names of records, and nothing of what is in them. */
export function assertSealedOnDisk({ folder }: QueueStack, uri: string, markers: readonly Marker[]): void {
  const data = join(folder, "serving", "redis", "data", "appendonlydir");
  const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
  assert.ok(
    files.some((content) => content.includes(uri)),
    "the append-only file was looked at",
  );
  assert.ok(!files.some((content) => isIn(content, markers)));
}

/** The uri of a submitted request: an id is that, and its place in the queue. */
export const uriOf = (id: string): string => id.split(".").slice(0, 2).join(".");
