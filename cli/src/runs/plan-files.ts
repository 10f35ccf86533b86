// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { PlannedFile } from "@bulwark/spark";

/** Writes the files of a plan, each with its mode, in folders for the owner alone. */
export async function writePlan(files: readonly PlannedFile[]): Promise<void> {
  for (const { path, mode, content } of files) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, content, { mode });
  }
}
