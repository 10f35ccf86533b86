// SPDX-License-Identifier: Apache-2.0
import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import type { Context } from "../command.ts";

/**
 * Reads a file, at most one byte more than is wanted, so that a huge one costs nothing and is seen to be too large.
 *
 * @throws the error of the file system
 */
export async function readFileAtMost(path: string, mostBytes: number): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const content = Buffer.alloc(Math.min(mostBytes, await sizeHint(handle)) + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < content.length; length += read) {
      read = (await handle.read(content, length, content.length - length)).bytesRead;
    }
    return content.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** Size of a regular file; of anything else it is not known before it was read. */
async function sizeHint(handle: Awaited<ReturnType<typeof open>>): Promise<number> {
  const stat = await handle.stat();
  return stat.isFile() && stat.size > 0 ? stat.size : Number.POSITIVE_INFINITY;
}

/** Reads standard input, little more than is wanted: the reader refuses what is too large. */
export async function readStdinAtMost({ stdin, signal }: Context, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of addAbortSignal(signal, stdin as Readable)) {
    chunks.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > mostBytes) break;
  }
  return Buffer.concat(chunks);
}
