// SPDX-License-Identifier: Apache-2.0
import { homedir } from "node:os";
import { join } from "node:path";

/** Folders of one user, by the XDG base directory rules. */
export type Paths = {
  /** Settings of the tool: `config.yaml`. */
  config: string;
  /** Keys, certificates, keyring. */
  keys: string;
  /** One folder per run. */
  runs: string;
  /** What can be made again: Spark, class archives, downloads. */
  cache: string;
};

/** Resolves the folders from an environment; a relative XDG value is ignored, as the XDG specification demands. */
export function resolvePaths(env: Readonly<Record<string, string | undefined>>, home: string): Paths {
  const base = (name: string, fallback: string): string => {
    const value = env[name];
    return value?.startsWith("/") ? value : join(home, fallback);
  };
  return {
    config: join(base("XDG_CONFIG_HOME", ".config"), "bulwark"),
    keys: join(base("XDG_DATA_HOME", ".local/share"), "bulwark", "keys"),
    runs: join(base("XDG_STATE_HOME", ".local/state"), "bulwark", "runs"),
    cache: join(base("XDG_CACHE_HOME", ".cache"), "bulwark"),
  };
}

/** The user's home folder. */
export function findHome(env: Readonly<Record<string, string | undefined>>): string {
  return env.HOME?.startsWith("/") ? env.HOME : homedir();
}
