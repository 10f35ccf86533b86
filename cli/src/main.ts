#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { homedir } from "node:os";
import { BulwarkError, EXIT, toExitCode } from "@bulwark/contracts/errors";
import type { Context, OutputFormat } from "./command.ts";
import { COMMANDS } from "./commands/index.ts";
import { renderOverview } from "./output/overview.ts";
import { createPaint } from "./output/terminal.ts";

const { argv, env, stdin, stdout, stderr } = process;
const FORMATS: readonly string[] = ["table", "wide", "name", "json", "yaml"];

/** The signal of the first Ctrl-C, SIGTERM or hang-up; a second one ends the process at once. */
function watchSignals(say: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      say("stopping; again to stop at once");
      controller.abort(new BulwarkError("INTERRUPTED", "Interrupted.", "run it again"));
    });
  }
  return controller.signal;
}

/** Runs one command: loads it, parses what was typed, prints what it returns. Returns the exit code. */
async function main(typed: readonly string[]): Promise<number> {
  const [name, ...rest] = typed;
  if (name === undefined || name === "--help" || name === "-h") {
    stdout.write(renderOverview(COMMANDS, createPaint(stdout, env, true)));
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const wanted = name === "--version" || name === "-V" ? "version" : name;
  // What was asked for is not known yet, so the format of an error is read off the words themselves.
  let format: OutputFormat =
    rest.includes("--json") || /(^| )(-o|--output)[ =]?json( |$)/.test(rest.join(" ")) ? "json" : "table";
  let debug = rest.includes("--debug");
  let progress: Context["progress"] | undefined;
  try {
    const { loadCommand, parseCall } = await import("./program.ts");
    const loaded = await loadCommand(COMMANDS, wanted);
    const call = parseCall(loaded, rest);
    if ("help" in call) {
      stdout.write(call.help);
      return EXIT.done;
    }
    debug = call.flags.debug === true;
    const { createContext } = await import("./context.ts");
    const context = await createContext({
      env,
      cwd: process.cwd(),
      home: env.HOME ?? homedir(),
      stdin,
      stdout,
      stderr,
      flags: call.flags,
      commands: COMMANDS,
      watchSignals,
    });
    progress = context.progress;
    format = toFormat(context.settings.output);
    const result = await loaded.spec.execute(context, { ...call, flags: { ...call.flags, output: format } });
    progress.close();
    const { renderResult } = await import("./output/print.ts");
    stdout.write(await renderResult(result, format));
    return result.exitCode ?? EXIT.done;
  } catch (thrown) {
    progress?.close();
    await printError(thrown, format, debug);
    return toExitCode(thrown);
  }
}

function toFormat(text: string | undefined): OutputFormat {
  if (text !== undefined && FORMATS.includes(text)) return text as OutputFormat;
  throw new BulwarkError("USAGE", `${text} is no output format.`, `one of: ${FORMATS.join(", ")}`);
}

async function printError(thrown: unknown, format: OutputFormat, debug: boolean): Promise<void> {
  const { renderError, toBulwarkError, toErrorDocument } = await import("./output/error.ts");
  const error = toBulwarkError(thrown);
  if (format === "json" || format === "yaml") {
    const { renderDocument } = await import("./output/print.ts");
    stdout.write(await renderDocument(toErrorDocument(error), format));
    return;
  }
  stderr.write(renderError(error, createPaint(stderr, env, !argv.includes("--no-color")), debug));
}

// A reader that has seen enough (`| head`) is no error.
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.done);
  throw error;
});
// A terminal that is gone cannot be told anything.
stderr.on("error", () => undefined);

process.exitCode = await main(argv.slice(2));
// Pending handles (a signal listener, a socket) must not keep a finished command alive, but output must be out first.
await Promise.all([stdout, stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))));
process.exit(process.exitCode);
