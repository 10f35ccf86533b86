// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { parseDocument } from "yaml";
import { writeFileWhole } from "../runs/files.ts";
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
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFileWhole(file, isEmpty(document.toJS()) ? "" : document.toString());
  } catch (cause) {
    throw new BulwarkError("CONFIG_INVALID", `${file} cannot be written.`, `ls -ld ${dirname(file)}`, { cause });
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || Object.keys(value).length === 0;
}
