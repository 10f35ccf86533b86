// SPDX-License-Identifier: Apache-2.0
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Observation } from "./report.ts";

/** Looks at the files that Spark spills and shuffles while a job runs, and remembers what it saw. */
export type ScratchWatch = {
  /** Looks at files that were not there before, at most `FILES_LOOKED_AT` in all. Returns the first plain one. */
  look(): Promise<string | undefined>;
  /** What was seen so far, for the report. */
  observation(): Observation;
};

const FILES_LOOKED_AT = 50;
const SAMPLE_BYTES = 4096;
/** Below this a sample is too small to tell ciphertext from plaintext. */
const ENOUGH_BYTES = 1024;
/** All but positions and checksums of blocks, which are numbers and no data. */
const DATA = /^(?!.*\.(index|checksum(\.\w+)?)$)/;
/**
 * How streams begin that Spark compresses (lz4, zstd, snappy, lzf) or serialises (Java) without encrypting them. Each is long
 * enough that ciphertext does not begin so by chance: of LZF's chunks the kind counts, too.
 */
const PLAIN_BEGINNINGS = ["4c5a34426c6f636b", "28b52ffd", "82534e4150505900", "5a5600", "5a5601", "aced0005"];

/** Begins to watch the scratch folder of a run (`spark.local.dir`). */
export function watchScratch(folder: string): ScratchWatch {
  const seen = new Map<string, boolean>();
  const plain = (): string | undefined => [...seen].find(([, encrypted]) => !encrypted)?.[0];
  return {
    async look() {
      for await (const file of listScratch(folder)) {
        if (seen.size >= FILES_LOOKED_AT) break;
        if (seen.has(file)) continue;
        const sample = await readSample(file);
        if (sample.length >= ENOUGH_BYTES) seen.set(file, looksEncrypted(sample));
      }
      return plain();
    },
    observation() {
      const found = plain();
      const files =
        seen.size === 0 ? "none large enough to tell was written" : `${seen.size} looked at, all ciphertext`;
      return {
        subject: "spill and shuffle files",
        protection: "AES-CTR 256 bits, a key of this application",
        observed: found === undefined ? files : `plain: ${found}`,
        asPlanned: found === undefined,
      };
    },
  };
}

const BYTE_VALUES = 256;
/** Mean 255, standard deviation 22.6 for random bytes: twelve of them away, no ciphertext is taken for plain. */
const CHI_SQUARE_LIMIT = 526;

/**
 * Whether bytes look like ciphertext: no known beginning of a plain stream, and every byte value about as frequent as
 * every other (Pearson's chi-square test). Compressed data passes the test of frequencies; its beginning tells.
 */
export function looksEncrypted(sample: Uint8Array): boolean {
  const beginning = Buffer.from(sample.subarray(0, 8)).toString("hex");
  if (PLAIN_BEGINNINGS.some((known) => beginning.startsWith(known))) return false;
  const counts = new Uint32Array(BYTE_VALUES);
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1;
  const expected = sample.length / BYTE_VALUES;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return chiSquare < CHI_SQUARE_LIMIT;
}

/** Block files: `blockmgr-UUID/xx/NAME` (DiskBlockManager). What Python spills lies elsewhere; the report tells of it. */
async function* listScratch(folder: string): AsyncGenerator<string> {
  for (const manager of await list(folder, /^blockmgr-/)) {
    for (const sub of await list(join(folder, manager), /^[0-9a-f]{2}$/)) {
      for (const name of await list(join(folder, manager, sub), DATA)) yield join(folder, manager, sub, name);
    }
  }
}

/** Spark removes scratch while we look: what is gone is empty. */
async function list(folder: string, wanted: RegExp): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).filter((name) => wanted.test(name));
}

async function readSample(file: string): Promise<Uint8Array> {
  const handle = await open(file, "r").catch(() => undefined);
  if (handle === undefined) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
