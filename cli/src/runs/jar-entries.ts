// SPDX-License-Identifier: Apache-2.0
import { open } from "node:fs/promises";

const END_SIGNATURE = 0x06054b50;
const ENTRY_SIGNATURE = 0x02014b50;
const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY_LENGTH = 46;

/** Whether a jar holds an entry of this name, from its central directory alone (PKWARE APPNOTE 4.3.12, 4.3.16). */
export async function hasJarEntry(jar: string, name: string): Promise<boolean> {
  const handle = await open(jar, "r");
  try {
    const { size } = await handle.stat();
    const tailLength = Math.min(size, END_LENGTH + LONGEST_COMMENT);
    const tail = Buffer.alloc(tailLength);
    await handle.read(tail, 0, tailLength, size - tailLength);
    const end = findEnd(tail);
    if (end < 0) return false;
    const length = tail.readUInt32LE(end + 12);
    const start = tail.readUInt32LE(end + 16);
    // A directory that does not lie in the file is none; reading it could ask for gigabytes.
    if (start + length > size - END_LENGTH) return false;
    const directory = Buffer.alloc(length);
    await handle.read(directory, 0, length, start);
    return listNames(directory).includes(name);
  } finally {
    await handle.close();
  }
}

function findEnd(tail: Buffer): number {
  for (let at = tail.length - END_LENGTH; at >= 0; at--) {
    // The same four bytes may stand in a comment; the real end is as long as it says.
    const isEnd =
      tail.readUInt32LE(at) === END_SIGNATURE && at + END_LENGTH + tail.readUInt16LE(at + 20) === tail.length;
    if (isEnd) return at;
  }
  return -1;
}

function listNames(directory: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + ENTRY_LENGTH <= directory.length && directory.readUInt32LE(at) === ENTRY_SIGNATURE; ) {
    const nameLength = directory.readUInt16LE(at + 28);
    names.push(directory.toString("utf8", at + ENTRY_LENGTH, at + ENTRY_LENGTH + nameLength));
    at += ENTRY_LENGTH + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return names;
}
