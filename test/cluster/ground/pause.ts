// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IMAGE_CACHE } from "../../../scripts/images/folders.ts";
import { buildah } from "../../../scripts/images/run.ts";
import { runProgram } from "../../../scripts/run-program.ts";
import { inTurn, inWorkFolder, publish } from "../../../scripts/work-folder.ts";
import { CLUSTER_CACHE } from "./folders.ts";

/** Name of the image that holds a pod's namespaces open. */
export const PAUSE_IMAGE = "bulwark.local/pause:1";

const SOURCE = fileURLToPath(new URL("../fixture/init.c", import.meta.url));

/** A static program that reaps its children, and an OCI archive of an image with it alone; made once for its source. */
export async function makePause(): Promise<{ program: string; archive: string }> {
  const key = createHash("sha256")
    .update(await readFile(SOURCE))
    .digest("hex")
    .slice(0, 8);
  const folder = join(CLUSTER_CACHE, `pause-${key}`);
  const made = { program: join(folder, "pause"), archive: join(folder, "pause.tar") };
  if (existsSync(folder)) return made;
  await inTurn(
    IMAGE_CACHE,
    () => undefined,
    () => make(folder),
  );
  return made;
}

async function make(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  await inWorkFolder(CLUSTER_CACHE, async (work) => {
    const built = join(work, "made");
    await mkdir(built);
    await runProgram("gcc", ["-static", "-Os", "-s", "-o", join(built, "pause"), SOURCE]);
    const container = (await buildah("from", "scratch")).trim();
    try {
      await buildah("copy", "--quiet", container, join(built, "pause"), "/pause");
      await buildah("config", "--user", "65535:65535", "--entrypoint", '["/pause"]', container);
      const target = `oci-archive:${join(built, "pause.tar")}:${PAUSE_IMAGE}`;
      await buildah("commit", "--quiet", "--disable-compression", "--timestamp", "0", container, target);
    } finally {
      await buildah("rm", container);
    }
    await publish(built, folder);
  });
}
