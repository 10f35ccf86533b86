// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { runProgram } from "../../../scripts/run-program.ts";
import { buildPrograms, listMissing } from "./build-programs.ts";
import { CLUSTER_CACHE } from "./folders.ts";
import { installPackages, missingPackages } from "./packages.ts";
import { SOURCES } from "./programs.ts";

/** Older ones cannot fetch the toolchain that a module asks for. */
const GO_MINIMUM = 21;

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
  if (SOURCES.some((source) => listMissing(source, CLUSTER_CACHE).length > 0)) await requireGo();
  await buildPrograms(CLUSTER_CACHE, say);
}

async function requireGo(): Promise<void> {
  const said = await runProgram("go", ["version"]).catch(() => "none");
  const minor = Number(/go1\.(\d+)/.exec(said)?.[1] ?? 0);
  if (minor >= GO_MINIMUM) return;
  throw new Error(`The programs of a node are built with Go 1.${GO_MINIMUM} or newer; found: ${said.trim()}.`);
}
