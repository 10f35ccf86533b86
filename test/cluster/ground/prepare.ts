// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { buildPrograms } from "./build-programs.ts";
import { CLUSTER_CACHE } from "./folders.ts";
import { installPackages, missingPackages } from "./packages.ts";

/**
 * Puts on this machine what a node needs: Debian packages, then programs. Does nothing, quickly, when all is there.
 *
 * @param say where progress goes
 */
export async function prepareGround(say: (line: string) => void): Promise<void> {
  const packages = await missingPackages();
  if (packages.length > 0) {
    say(`Installing ${packages.join(", ")} ...`);
    await installPackages(packages);
  }
  await mkdir(CLUSTER_CACHE, { recursive: true, mode: 0o700 });
  await buildPrograms(CLUSTER_CACHE, say);
}
