// SPDX-License-Identifier: Apache-2.0
// JVMs that call at a driver: as the plan's own executors do, or with something changed.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { findMarkedProcesses } from "../../cli/src/runs/processes.ts";
import { formatProperties, parseProperties } from "../../packages/spark/src/properties-file.ts";

/** How a process was started, read from the kernel. */
export type ProcessImage = { args: readonly string[]; env: Record<string, string>; cwd: string };

/** A JVM of ours. Its standard input is its lifeline. */
export type Jvm = { process: ChildProcess; output(): string; ended: Promise<number | null>; end(): Promise<void> };

export const EXECUTOR_MAIN = "bulwark.launch.ExecutorMain";
export const DRIVER_MAIN = "bulwark.launch.DriverMain";

/** The processes of a run whose command line names a main class. */
export function findByMain(runId: string, main: string): number[] {
  return findMarkedProcesses(runId).filter((pid) => readArguments(pid).includes(main));
}

/** The guards of a run: they carry its id as an argument, and no mark. */
export function findGuard(runId: string): number[] {
  return findByArguments(
    ([shell, script = "", id]) => shell === "/bin/sh" && script.endsWith("/guard.sh") && id === runId,
  );
}

/** JVMs of the data commands that need no executors, and work on a folder. */
export function findDataTool(folder: string): number[] {
  return findByArguments((args) => args.includes("bulwark.launch.DataMain") && args.includes(folder));
}

function findByArguments(fits: (args: readonly string[]) => boolean): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => fits(readArguments(pid)));
}

/** Image of one executor of a run. */
export function readExecutor(runId: string, scratch: string): ProcessImage {
  const [pid] = findByMain(runId, EXECUTOR_MAIN);
  assert.ok(pid !== undefined, `no executor of ${runId}`);
  const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  const env = Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
  // Without the mark, so that the run's own end does not sweep it away.
  delete env.BULWARK_RUN;
  return { args: readArguments(pid), env: { ...env, SPARK_LOCAL_DIRS: scratch, TMPDIR: scratch }, cwd: scratch };
}

function readArguments(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** What an executor is changed into. */
export type Change = {
  id: number;
  /** Settings for its secrets file, made from those of the right executor. */
  secrets: (right: Record<string, string>) => Record<string, string>;
  /** Another file with the driver's address. */
  driverUrlFile?: string;
};

/** Image of an executor with another id and another secrets file; everything else as planned. */
export async function changeExecutor(image: ProcessImage, change: Change): Promise<ProcessImage> {
  const args = [...image.args];
  const main = args.indexOf(EXECUTOR_MAIN);
  const right = parseProperties(await readFile(args[main + 1] ?? "", "utf8"));
  const folder = join(image.cwd, `executor-${change.id}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "secrets.properties");
  await writeFile(file, formatProperties(change.secrets({ ...right })), { mode: 0o600 });
  args[main + 1] = file;
  if (change.driverUrlFile !== undefined) args[main + 2] = change.driverUrlFile;
  args[args.indexOf("--executor-id") + 1] = String(change.id);
  return { ...image, args: args.map((arg) => redirectLog(arg, folder)), cwd: folder };
}

function redirectLog(arg: string, folder: string): string {
  return arg.startsWith("-Dbulwark.log=") ? `-Dbulwark.log=${join(folder, "log")}` : arg;
}

/** Starts a JVM from an image. */
export function startJvm(image: ProcessImage): Jvm {
  const [executable = "", ...args] = image.args;
  const child = spawn(executable, args, { cwd: image.cwd, env: image.env, stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  return {
    process: child,
    output: () => output,
    ended,
    async end() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
