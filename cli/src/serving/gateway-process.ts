// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BulwarkError, ERRORS, type ErrorCode } from "@bulwark/contracts/errors";
import { writeFileWhole } from "../runs/files.ts";
import { limitMemory } from "./limit-memory.ts";
import { NODE_ARGUMENTS } from "./node-arguments.ts";

/** What the gateway says when it is ready. */
export type GatewayReady = {
  pid: number;
  addresses: { http?: string; https?: string; grpc?: string };
  models: readonly { model: string; version: string }[];
  failures: readonly { model: string; code: string; message: string; mend: string }[];
};

export type GatewayProcess = {
  ready: GatewayReady;
  log: string;
  /** Resolves when it ended, with how. */
  ended: Promise<string>;
  /** Asks it to answer what is under way and end; insists after the time. */
  stop(graceMs: number): Promise<void>;
};

type Options = {
  /** Folder of its settings and log. */
  folder: string;
  settings: Readonly<Record<string, unknown>>;
  /** Where a person mends them: its own file is written anew at each start. */
  source?: string;
  env: Readonly<Record<string, string | undefined>>;
};

/** Starts the gateway and waits until it listens. It ends when we do. Throws what it failed with. */
export async function startGatewayProcess({ folder, settings, source, env }: Options): Promise<GatewayProcess> {
  const settingsFile = join(folder, "gateway.json");
  const name = (text: string): string => text.replaceAll(settingsFile, source ?? settingsFile);
  const log = join(folder, "gateway.log");
  await writeFileWhole(settingsFile, `${JSON.stringify({ ...settings, hasLifeline: true }, undefined, 2)}\n`);
  const errors = openSync(log, "a", 0o600);
  const node = { command: process.execPath, args: [...NODE_ARGUMENTS, gatewayMain(), settingsFile] };
  const { command, args } = limitMemory(node, Number(settings.memoryBytes ?? 0));
  const child = spawn(command, args, {
    env,
    stdio: ["pipe", "pipe", errors],
    // In a session of its own, so that a Ctrl-C at the terminal reaches us alone.
    detached: true,
  });
  closeSync(errors);
  child.stdin?.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
  const ready = await Promise.race([readReady(child, name), ended.then((how) => failStart(how, log))]);
  return {
    ready,
    log,
    ended,
    async stop(graceMs) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The first line it says: ready, or why not, with the settings named as people know them. */
async function readReady({ stdout }: ChildProcess, name: (text: string) => string): Promise<GatewayReady> {
  if (stdout === null) return new Promise(() => {});
  for await (const line of createInterface({ input: stdout })) {
    const event = JSON.parse(line) as { event: string; code: ErrorCode; message: string; mend: string } & GatewayReady;
    // Nobody reads on, and it must not wait for that.
    stdout.resume();
    if (event.event === "ready") return event;
    throw new BulwarkError(event.code in ERRORS ? event.code : "BUG", name(event.message), name(event.mend));
  }
  return new Promise(() => {});
}

async function failStart(how: string, log: string): Promise<never> {
  throw new BulwarkError("SERVING_UNREACHABLE", `The gateway ended at its start (${how})`, `read ${log}`);
}

/** The gateway's program: another process, so it is found, not imported. */
function gatewayMain(): string {
  return createRequire(import.meta.url).resolve("@bulwark/serving-gateway/main");
}
