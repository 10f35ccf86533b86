// SPDX-License-Identifier: Apache-2.0
import { type BulwarkError, EXIT, toExitCode } from "@bulwark/contracts/errors";
import type { CommandTable, Context, OutputFormat, Result } from "../command.ts";
import { resolveSettings, toSettings } from "../config/load.ts";
import { DEFAULTS, type Settings } from "../config/settings.ts";
import { createContext, userFileOf } from "../context.ts";
import { renderError, toBulwarkError, toErrorDocument } from "../output/error.ts";
import { renderOverview } from "../output/overview.ts";
import { isDocument, renderDocument, renderResult } from "../output/print.ts";
import { createProgress } from "../output/progress.ts";
import { createPaint } from "../output/terminal.ts";
import { findHome, resolvePaths } from "../paths.ts";
import { type Look, readLook, splitCommand } from "./look.ts";
import { watchReaders, watchSignals } from "./signals.ts";

/** Settings as far as they could be resolved; `failure` is thrown by commands that need them right. */
type Settled = { settings: Settings; failure?: unknown };

/** The whole tool: reads the command line, runs the command, prints its result or its error, sets the exit code. */
export async function runTool(process: NodeJS.Process, commands: CommandTable): Promise<void> {
  const { env, stdin, stdout, stderr } = process;
  const argv = process.argv.slice(2);
  const look = readLook(argv);
  const home = findHome(env);
  const cwd = process.cwd();
  const settled = await settle(look, { env, cwd, home, userFile: userFileOf(resolvePaths(env, home)) });
  const format = settled.settings.output as OutputFormat;
  const paint = createPaint(stderr, env, settled.settings.color !== "never");
  const progress = createProgress({ stream: stderr, paint, quiet: look.quiet, debug: look.debug });
  const stop = new AbortController();
  const readers = watchReaders(process, stop);
  watchSignals(process, stop, (line) => progress.warn(line));

  const report = async (error: BulwarkError): Promise<void> => {
    progress.close();
    process.exitCode = toExitCode(error);
    if (readers.isGone()) return;
    if (isDocument(format)) stdout.write(await renderDocument(toErrorDocument(error), format));
    else stderr.write(renderError(error, paint, look.debug));
  };
  // A failure that nobody waited for: what it left undone is not known, so nothing goes on.
  process.on("uncaughtException", (error) => {
    const end = (): boolean => stdout.write("", () => process.exit());
    report(toBulwarkError(error, stop.signal)).then(end, end);
  });

  try {
    const { settings } = settled;
    const signal = stop.signal;
    const context = createContext({ env, cwd, home, stdin, stdout, stderr, settings, signal, commands, progress });
    const result = await execute(argv, settled, context);
    progress.close();
    stdout.write(await renderResult(result, format));
    process.exitCode = result.exitCode ?? EXIT.done;
  } catch (error) {
    await report(toBulwarkError(error, stop.signal));
  }
}

async function execute(argv: readonly string[], { failure }: Settled, context: Context): Promise<Result> {
  const { commands, settings, stdout, env } = context;
  const { name, rest } = routeCommand(argv);
  if (name === undefined) {
    return { text: renderOverview(commands, createPaint(stdout, env, settings.color !== "never")) };
  }
  // Loaded here, so that the overview and `version` of a tool that is called often start without it.
  const { loadCommand, parseCall } = await import("../program.ts");
  const loaded = await loadCommand(commands, name);
  const call = parseCall(loaded, rest);
  if ("help" in call) return { text: call.help };
  if (failure !== undefined && loaded.entry.lenient !== true) throw failure;
  return loaded.spec.execute(context, { ...call, flags: { ...call.flags, output: settings.output } });
}

/** `bulwark`, `bulwark --help` and `bulwark --version` are commands by other names. */
function routeCommand(argv: readonly string[]): { name?: string; rest: readonly string[] } {
  const { name, rest } = splitCommand(argv);
  if (name !== undefined) return { name, rest };
  const version = rest.findIndex((word) => word === "--version" || word === "-V");
  if (version !== -1) return { name: "version", rest: rest.toSpliced(version, 1) };
  const isHelp = rest.length === 0 || rest.includes("--help") || rest.includes("-h");
  // Flags alone: the parser says what is wrong with them.
  return isHelp ? { rest } : { name: "help", rest };
}

/** Settings with the flags of this call on top; where they are wrong, defaults to report that with. */
async function settle(look: Look, places: Parameters<typeof resolveSettings>[0]): Promise<Settled> {
  const flags: Settings = {
    ...(look.output === undefined ? {} : { output: look.output }),
    ...(look.color ? {} : { color: "never" }),
  };
  try {
    return { settings: { ...toSettings(await resolveSettings(places)), ...flags } };
  } catch (failure) {
    return { settings: { ...DEFAULTS, ...flags }, failure };
  }
}
