// SPDX-License-Identifier: Apache-2.0
// The gateway as a process: settings by a file, one line of JSON on standard output when it is ready or has failed.
import { BulwarkError, toExitCode } from "@bulwark/contracts/errors";
import { readConfig } from "./config.ts";
import type { Report } from "./hear-engines.ts";
import { type Started, startGateway } from "./start.ts";

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
const report: Report = (event, details) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
};
const describe = (error: unknown): object =>
  error instanceof BulwarkError
    ? { code: error.code, message: error.message, mend: error.mend }
    : { code: "BUG", message: error instanceof Error ? error.message : String(error), mend: "report it" };

const [path] = process.argv.slice(2);
try {
  if (path === undefined) throw new BulwarkError("USAGE", "No settings file was named", "main.ts SETTINGS");
  const { OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint } = process.env;
  const config = { ...(tracesEndpoint ? { tracesEndpoint } : {}), ...(await readConfig(path)) };
  const started = await startGateway(config, report);
  const { addresses, models } = started;
  const failures = started.failures.map(({ model, error }) => ({ model, ...describe(error) }));
  say({ event: "ready", pid: process.pid, addresses, models, failures });
  const stop = once(() => end(started));
  process.on("SIGTERM", stop).on("SIGINT", stop);
  // Whoever started it holds its standard input, so that it never outlives them.
  if (config.hasLifeline) process.stdin.on("end", stop).on("error", stop).resume();
} catch (error) {
  say({ event: "failed", ...describe(error) });
  process.exitCode = toExitCode(error);
}

async function end(started: Started): Promise<void> {
  const { stuck } = await started.close();
  say({ event: "ended" });
  // A thread within a run that never ends cannot be ended, and would hold an orderly exit.
  if (stuck > 0) process.kill(process.pid, "SIGKILL");
  process.exit(0);
}

function once(run: () => Promise<void>): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    run().catch(() => process.exit(1));
  };
}
