// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import type { Context } from "./command.ts";
import { USER_FILE } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { type Paths, resolvePaths } from "./paths.ts";

type Outside = Omit<Context, "paths" | "now"> & { home: string };

/** Puts together what a command works with; folders of the settings go before those of the XDG rules. */
export function createContext({ home, ...outside }: Outside): Context {
  const paths = applySettings(resolvePaths(outside.env, home), outside.settings);
  return { ...outside, paths, now: () => new Date() };
}

/** The user's own file of settings. */
export function userFileOf({ config }: Pick<Paths, "config">): string {
  return join(config, USER_FILE);
}

function applySettings(paths: Paths, { keysDir, runsDir, cacheDir }: Settings): Paths {
  return { ...paths, keys: keysDir ?? paths.keys, runs: runsDir ?? paths.runs, cache: cacheDir ?? paths.cache };
}
