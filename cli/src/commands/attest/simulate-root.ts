// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createRoot, exportRoot, importRoot, type Root } from "@bulwark/simulation";
import type { Context } from "../../command.ts";
import { writeFileWhole } from "../../runs/files.ts";

type Vendor = Root["vendor"];

const DAY_MS = 86_400_000;

/** Folder of this installation's simulated roots, beside its keys. */
export const toFolder = ({ paths }: Context): string => join(dirname(paths.keys), "simulation");

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

async function readRoot(folder: string, vendor: Vendor): Promise<Root | undefined> {
  const path = join(folder, `${vendor}-root.pem`);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw broken(path, error);
  }
  try {
    // Key and certificate in one file: they are of no use without each other, and one rename replaces both.
    const [certificatePem = "", keyPem = ""] = text.split(/(?=-----BEGIN PRIVATE KEY-----)/);
    return importRoot(vendor, { certificatePem, keyPem });
  } catch (error) {
    throw broken(path, error);
  }
}

const broken = (path: string, cause: unknown): BulwarkError =>
  new BulwarkError(
    "SIMULATION_ROOT_BROKEN",
    `${path} cannot be used as the simulated root.`,
    `remove it, and evidence is made under a new root: rm ${path}`,
    { cause },
  );

/** The simulated root of this installation; made at its first use, and kept where only its owner reads it. */
export async function openRoot(context: Context, vendor: Vendor): Promise<Root> {
  const folder = toFolder(context);
  const kept = await readRoot(folder, vendor);
  if (kept !== undefined) return kept;
  const step = context.progress.step("Making the simulated root of this installation");
  // Evidence of yesterday can be asked for, too.
  const root = createRoot(vendor, { now: new Date(context.now().getTime() - DAY_MS) });
  const { certificatePem, keyPem } = exportRoot(root);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileWhole(join(folder, `${vendor}-root.pem`), certificatePem + keyPem);
  step.done(root.name);
  return root;
}
