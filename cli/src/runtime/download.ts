// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, stat, truncate } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { BulwarkError } from "@bulwark/contracts";
import { HttpStatusError, type Network, openUrl } from "./network.ts";
import { type Patience, retry } from "./retry.ts";

/** A file whose size and digest are known before it is fetched. */
export type PinnedFile = { bytes: number; sha256: string };

export type DownloadOptions = {
  /** Where the file is fetched into; bytes already there are kept and the rest is asked for. */
  part: string;
  pinned: PinnedFile;
  /** Says where the file is; asked only when bytes are missing. */
  locate: () => Promise<URL>;
  network: Network;
  patience: Patience;
  signal: AbortSignal;
  /** Bytes there so far, and of them those fetched now. */
  onProgress: (received: number, fetched: number) => void;
};

/** A transfer that brought this much is not a failed attempt. */
const HEADWAY_BYTES = 1 << 20;

/**
 * Fetches a pinned file into `part` and checks its digest. A wrong file is thrown away and fetched once more.
 *
 * @throws SPARK_DOWNLOAD_DAMAGED, or the error of the last attempt
 */
export async function downloadPinned(options: DownloadOptions): Promise<void> {
  for (const _round of ["first", "again"]) {
    await fetchMissing(options);
    if ((await digestFile(options.part, options.signal)) === options.pinned.sha256) return;
    await rm(options.part, { force: true });
  }
  throw new BulwarkError(
    "SPARK_DOWNLOAD_DAMAGED",
    "What the package index sent does not match the pinned digest, twice; it was thrown away.",
    "Check which index and proxy are used (python3 -m pip config list), then run it again.",
  );
}

/** SHA-256 of a file, as hexadecimal text. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash, signal === undefined ? {} : { signal });
  return hash.digest("hex");
}

async function fetchMissing(options: DownloadOptions): Promise<void> {
  const { part, pinned, patience, signal } = options;
  if ((await sizeOf(part)) > pinned.bytes) await rm(part);
  if ((await sizeOf(part)) === pinned.bytes) return;
  await retry(patience, signal, async (advance) => {
    const url = await options.locate();
    const before = await sizeOf(part);
    try {
      if (before < pinned.bytes) await transfer(url, before, options);
    } catch (error) {
      // The server has a file of another length: what is here is no beginning of it.
      if (error instanceof HttpStatusError && error.status === 416) await rm(part, { force: true });
      throw error;
    } finally {
      if ((await sizeOf(part)) - before >= HEADWAY_BYTES) advance();
    }
  });
}

async function transfer(url: URL, have: number, options: DownloadOptions): Promise<void> {
  const { part, pinned, network, signal, onProgress } = options;
  const headers = { "accept-encoding": "identity", ...(have > 0 ? { range: `bytes=${have}-` } : {}) };
  const { answer } = await openUrl(url, { network, headers, signal });
  const continues = answer.statusCode === 206 && answer.headers["content-range"]?.startsWith(`bytes ${have}-`);
  if (have > 0 && !continues) await truncate(part);
  const start = continues ? have : 0;
  const file = await open(part, "a", 0o600);
  await pipeline(
    answer,
    async function* count(source: AsyncIterable<Buffer>) {
      let fetched = 0;
      for await (const chunk of source) {
        // One byte too many is enough to fail the digest; more would only fill the disk.
        yield chunk.subarray(0, pinned.bytes + 1 - start - fetched);
        fetched += chunk.length;
        onProgress(start + fetched, fetched);
        if (start + fetched > pinned.bytes) return;
      }
      if (start + fetched < pinned.bytes) throw new Error(`${url.host} ended the transfer early`);
    },
    file.createWriteStream(),
    { signal },
  );
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}
