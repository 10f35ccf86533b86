// SPDX-License-Identifier: Apache-2.0
// The embedded engine behind the queue: takes records, computes them, ends them. One argument: the settings file.
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, toExitCode } from "@bulwark/contracts/errors";
import { endProcess, watchStuck } from "@bulwark/inference";
import { startEngineProcess } from "./engine-process.ts";
import type { Report } from "./runner.ts";
import { readSettings } from "./settings.ts";

const log: Report = (event, details) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), event, ...details })}\n`);
};

/** Longer than records under way are given. */
const END_MS = 14_000;

function describe(error: unknown): { code: string; message: string; mend: string } {
  if (!(error instanceof BulwarkError)) return { code: "BUG", message: "The engine failed.", mend: "report it" };
  const { code, message, mend } = error;
  return { code, message, mend };
}

function fail(error: unknown): never {
  log("failed", describe(error));
  endProcess(toExitCode(error));
}

async function main(): Promise<void> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint } = process.env;
  const settings = { ...(tracesEndpoint ? { tracesEndpoint } : {}), ...(await readSettings(process.argv[2] ?? "")) };
  const engine = await startEngineProcess(settings, log);
  let isStopping = false;
  const end = async (exitCode: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log("stopping", {});
    const ended = await Promise.race([engine.close(), delay(END_MS)]);
    log("stopped", { ...engine.runner.counts() });
    if (ended?.stuck === 0) process.exit(exitCode);
    endProcess(exitCode);
  };
  const stop = (): void => void end(0).catch(fail);
  watchStuck(engine.engine, (error) => {
    log("a run does not end", describe(error));
    end(toExitCode(error)).catch(fail);
  });
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  if (settings.hasLifeline) process.stdin.resume().once("end", stop).once("error", stop);
}

main().catch(fail);
