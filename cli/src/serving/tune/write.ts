// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { isMap, parseDocument } from "yaml";
import { writeFileWhole } from "../../runs/files.ts";
import type { Candidate } from "./choose.ts";

/** Writes what was chosen into a settings file of `bulwark serve`; the rest of it, comments too, stays as it is. Throws SERVING_CONFIG. */
export async function writeChoice(
  path: string,
  { model, models, choice }: { model: string; models: string; choice: Candidate },
): Promise<void> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read.`, "name a settings file", { cause: error });
  });
  const document = parseDocument(text ?? "{}\n");
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw new BulwarkError("SERVING_CONFIG", `${path} holds no settings.`, "mend it, or name another file");
  }
  document.contents.flow = false;
  if (!document.has("models")) document.set("models", models);
  const { instances, threads, maxRows } = choice;
  document.setIn(["modelSettings", model, "instances"], instances);
  document.setIn(["modelSettings", model, "threads"], threads);
  document.setIn(["modelSettings", model, "batch", "maxRows"], maxRows);
  await writeFileWhole(path, String(document));
}
