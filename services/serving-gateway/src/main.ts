// SPDX-License-Identifier: Apache-2.0
// The gateway as a process: settings by a file, one line of JSON on standard output when it is ready or has failed.
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, toExitCode } from "@bulwark/contracts/errors";
import { endProcess, watchStuck } from "@bulwark/inference";
import { type GatewayConfig, readConfig } from "./config.ts";
import type { Report } from "./hear-engines.ts";
import { type Started, startGateway } from "./start.ts";

const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
const report: Report = (event, details) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
};
const describe = (error: unknown): object =>
  error instanceof BulwarkError
    ? {
        ...{ code: error.code, message: error.message, mend: error.mend },
        ...(error.findings.length === 0 ? {} : { findings: error.findings }),
      }
    : { code: "BUG", message: error instanceof Error ? error.message : String(error), mend: "report it" };

/** Beyond the time of requests under way. */
const END_MS = 4_000;

const [path] = process.argv.slice(2);
try {
  if (path === undefined) throw new BulwarkError("USAGE", "No settings file was named", "main.ts SETTINGS");
  const { OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint } = process.env;
  const config = { ...(tracesEndpoint ? { tracesEndpoint } : {}), ...(await readConfig(path)) };
  const started = await startGateway(config, report);
  const { addresses, models } = started;
  const failures = started.failures.map(({ model, error }) => ({ model, ...describe(error) }));
  say({ event: "ready", pid: process.pid, addresses, models, failures });
  const stop = once((exitCode: number) => end(started, config, exitCode));
  const stopOrderly = (): void => stop(0);
  process.on("SIGTERM", stopOrderly).on("SIGINT", stopOrderly);
  // Whoever started it holds its standard input, so that it never outlives them.
  if (config.hasLifeline) process.stdin.on("end", stopOrderly).on("error", stopOrderly).resume();
  watchStuck(started, (error) => {
    report("a run does not end", { ...describe(error) });
    stop(toExitCode(error));
  });
} catch (error) {
  say({ event: "failed", ...describe(error) });
  endProcess(toExitCode(error));
}

/** Whoever is still waiting when its time is over waits for a run that will not end in time. */
async function end(started: Started, { leaveMs, drainMs }: GatewayConfig, exitCode: number): Promise<void> {
  const ended = await Promise.race([started.close(), delay(leaveMs + drainMs + END_MS)]);
  say({ event: "ended" });
  if (ended?.stuck === 0) process.exit(exitCode);
  endProcess(exitCode);
}

function once(run: (exitCode: number) => Promise<void>): (exitCode: number) => void {
  let isDone = false;
  return (exitCode) => {
    if (isDone) return;
    isDone = true;
    run(exitCode).catch(() => endProcess(toExitCode(undefined)));
  };
}
