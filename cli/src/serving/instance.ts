// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFileWhole } from "../runs/files.ts";

const FORM = /^[0-9a-f]{8}$/;
const BYTES = 4;

/**
 * What engines that are started from a folder are called on a queue: the machine's name, and a word that is drawn once and
 * lies in the folder. So those of two `bulwark serve` are told apart, on one machine or on machines of one name, and each
 * is known again after a restart.
 */
export async function nameInstance(folder: string): Promise<string> {
  const file = join(folder, "instance");
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (FORM.test(kept)) return `${hostname()}-${kept}`;
  const drawn = randomBytes(BYTES).toString("hex");
  await writeFileWhole(file, `${drawn}\n`);
  return `${hostname()}-${drawn}`;
}
