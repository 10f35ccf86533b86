// SPDX-License-Identifier: Apache-2.0
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";

/** How a file of a dataset is protected, told from its first bytes. */
export type FileProtection = "parquet-encrypted" | "aes-gcm" | "none" | "no data";

/** Parquet modular encryption with encrypted footer begins so (Parquet format, Encryption.md). */
const PARQUET_ENCRYPTED = Buffer.from("PARE");
const AES_GCM_CODEC = Buffer.from("BWKG");
const LONGEST_MAGIC = 4;

/** Looks at every file of a dataset: the protection by path. Files without data (markers, checksums) are left out. */
export async function inspectFiles(path: string): Promise<{ path: string; protection: FileProtection }[]> {
  const files = await listFiles(path);
  const inspected = await Promise.all(files.map(async (file) => ({ path: file, protection: await inspectFile(file) })));
  return inspected.filter((file) => file.protection !== "no data");
}

async function inspectFile(path: string): Promise<FileProtection> {
  const name = path.slice(path.lastIndexOf("/") + 1);
  // Checksums of ciphertext and wrapped keys are no data.
  if (name.startsWith("_KEY_MATERIAL_FOR_") || /^\..*\.crc$/.test(name)) return "no data";
  const handle = await open(path, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_MAGIC), 0, LONGEST_MAGIC, 0);
    if (bytesRead === 0) return "no data";
    if (buffer.equals(PARQUET_ENCRYPTED)) return "parquet-encrypted";
    return buffer.equals(AES_GCM_CODEC) ? "aes-gcm" : "none";
  } finally {
    await handle.close();
  }
}

async function listFiles(path: string): Promise<string[]> {
  const stat = await lstat(path);
  if (stat.isFile()) return [path];
  if (!stat.isDirectory()) return [];
  const entries = await readdir(path);
  return (await Promise.all(entries.map((entry) => listFiles(join(path, entry))))).flat();
}
