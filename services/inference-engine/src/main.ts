// SPDX-License-Identifier: Apache-2.0
// The embedded engine behind the queue: takes records, computes them, ends them. One argument: the settings file.
import { BulwarkError, toExitCode } from "@bulwark/contracts/errors";
import { startEngineProcess } from "./engine-process.ts";
import type { Report } from "./runner.ts";
import { readSettings } from "./settings.ts";

const log: Report = (event, details) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
};

const WATCH_MS = 1_000;

function fail(error: unknown): never {
  const { code, message, mend } =
    error instanceof BulwarkError ? error : { code: "BUG", message: "The engine failed.", mend: "report it" };
  log("failed", { code, message, mend });
  process.exit(toExitCode(error));
}

async function main(): Promise<void> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint } = process.env;
  const settings = { ...(tracesEndpoint ? { tracesEndpoint } : {}), ...(await readSettings(process.argv[2] ?? "")) };
  const engine = await startEngineProcess(settings, log);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    log("stopping", {});
    engine.close().then(({ stuck }) => {
      log("stopped", { ...engine.runner.counts() });
      // A thread within a run that never ends cannot be ended, and would hold an orderly exit.
      if (stuck > 0) process.kill(process.pid, "SIGKILL");
      process.exit(0);
    }, fail);
  };
  // A run that never ends keeps a core for as long as the process lives: what waits is left to our successor.
  const watch = setInterval(() => {
    const stuck = engine.engine.stuck();
    if (stuck === 0 || isStopping) return;
    log("a run does not end", { stuck });
    stop();
  }, WATCH_MS);
  watch.unref();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  if (settings.hasLifeline) process.stdin.resume().once("end", stop).once("error", stop);
}

main().catch(fail);
