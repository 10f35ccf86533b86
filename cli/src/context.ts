// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import type { Context, Environment } from "./command.ts";
import { resolveSettings } from "./config/load.ts";
import type { Settings } from "./config/settings.ts";
import { createProgress } from "./output/progress.ts";
import { createPaint } from "./output/terminal.ts";
import { type Paths, resolvePaths } from "./paths.ts";

type Outside = Pick<Context, "stdin" | "stdout" | "stderr" | "commands"> & {
  env: Environment;
  cwd: string;
  home: string;
  flags: Readonly<Record<string, unknown>>;
  watchSignals: (say: (text: string) => void) => AbortSignal;
};

/** Puts together what a command works with. Flags win over the environment, that over files, those over defaults. */
export async function createContext(outside: Outside): Promise<Context> {
  const { env, cwd, home, stdin, stdout, stderr, commands, flags } = outside;
  const paths = resolvePaths(env, home);
  const resolved = await resolveSettings(env, cwd, join(paths.config, "config.yaml"));
  const settings: Settings = Object.fromEntries(resolved.map(({ name, value }) => [name, value]));
  if (flags.json === true) settings.output = "json";
  if (typeof flags.output === "string") settings.output = flags.output;
  const paint = createPaint(stderr, env, flags.color !== false && settings.color !== "never");
  const progress = createProgress({ stream: stderr, paint, quiet: flags.quiet === true, debug: flags.debug === true });
  return {
    env,
    cwd,
    paths: applySettings(paths, settings),
    settings,
    stdin,
    stdout,
    stderr,
    signal: outside.watchSignals((text) => progress.warn(text)),
    now: () => new Date(),
    commands,
    progress,
  };
}

function applySettings(paths: Paths, { keysDir, runsDir, cacheDir }: Settings): Paths {
  return { ...paths, keys: keysDir ?? paths.keys, runs: runsDir ?? paths.runs, cache: cacheDir ?? paths.cache };
}
