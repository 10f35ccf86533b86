// SPDX-License-Identifier: Apache-2.0

import { listMissing } from "./build-programs.ts";
import { CLUSTER_CACHE } from "./folders.ts";
import { missingPackages } from "./packages.ts";
import { SOURCES } from "./programs.ts";

/** Why a node cannot be started here, and what to do about it. */
export type Missing = { message: string; mend: string };

const PREPARE = "npm run cluster -- prepare";

/** What this machine lacks; nothing, when a node can be started. */
export async function findMissing(): Promise<Missing[]> {
  if (process.platform !== "linux") return [{ message: "A node needs Linux.", mend: "Use a Linux machine" }];
  if (process.getuid?.() !== 0) return [{ message: "A node needs root.", mend: "Become root" }];
  const packages = await missingPackages();
  if (packages.length > 0) return [{ message: `Not installed: ${packages.join(", ")}.`, mend: PREPARE }];
  const programs = SOURCES.flatMap((source) => listMissing(source, CLUSTER_CACHE));
  if (programs.length === 0) return [];
  return [{ message: `Not built yet: ${programs.join(", ")}.`, mend: `${PREPARE} (about 20 minutes, once)` }];
}
