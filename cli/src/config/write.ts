// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { parseDocument } from "yaml";
import { checkLayer } from "./check.ts";
import { readEntries } from "./file.ts";

/**
 * Writes one setting into the user's file, keeping its comments and the other settings; no value takes it out.
 *
 * @param file absolute path of the user's file
 * @param name name of the setting
 * @param value the value; a relative path counts from `cwd`
 * @throws BulwarkError CONFIG_INVALID for a setting that does not exist or a value it cannot have
 */
export async function writeSetting(
  file: string,
  { name, value, cwd, home }: { name: string; value: string | undefined; cwd: string; home: string },
): Promise<void> {
  await readEntries(file);
  const document = parseDocument(await readFile(file, "utf8").catch(() => ""));
  if (value === undefined) {
    document.delete(name);
  } else {
    const layer = { origin: "user file", place: file, entries: [{ name, value }], base: cwd } as const;
    const { settings, findings } = checkLayer(layer, home);
    const [finding] = findings;
    if (finding !== undefined) throw new BulwarkError("CONFIG_INVALID", `${name} ${finding.message}.`, finding.mend);
    for (const [key, absolute] of Object.entries(settings)) document.set(key, absolute);
  }
  await replaceFile(file, document.contents === null ? "" : document.toString());
}

/** A reader sees the old or the new file, whole. */
async function replaceFile(path: string, content: string): Promise<void> {
  const draft = join(dirname(path), `.${randomBytes(8).toString("hex")}.tmp`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new BulwarkError("CONFIG_INVALID", `${path} cannot be written.`, `ls -ld ${dirname(path)}`, { cause });
  }
}
