// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { BulwarkError, ERRORS, EXIT } from "@bulwark/contracts/errors";
import { InvalidArgumentError } from "commander";
import type { CommandSpec, Context, Result } from "../command.ts";
import { startRelay } from "../serving/relay.ts";
import { readStack, type Stack } from "../serving/stack.ts";
import { lookAtParts, type PartStatus } from "../serving/status/look.ts";
import { PART_NAMES, type PartName } from "../serving/status/parts.ts";

const LONGEST_PORT = 65_535;
const ALL = "all";

type Flags = Readonly<Record<string, unknown>>;

/** `bulwark serving`: looks at what `bulwark serve` started, and lets older clients in. */
export const spec: CommandSpec = {
  examples: [
    "bulwark serving status",
    "bulwark serving status redis",
    "bulwark serving relay",
    "bulwark serving relay --port 6380 --model resnet50",
  ],
  configure(command) {
    command
      .command("status")
      .description("try every part of the serving stack, wait until it is ready, say what is not")
      .argument("[part]", `one of ${[...PART_NAMES, ALL].join(", ")}`, ALL)
      .option("--timeout <seconds>", "how long to wait until everything is ready", toSeconds, 60);
    command
      .command("relay")
      .description("take records of older clients, which speak plain Redis, on loopback")
      .option("--port <port>", "port of loopback", toPort, 6379)
      .option("--model <name>", "model that answers them; the only one when not given", "");
  },
  async execute(context, { args, flags, path }) {
    const stack = await readStack(context.paths);
    return path[0] === "relay" ? relay(context, stack, flags) : status(context, stack, { part: args[0] ?? ALL, flags });
  },
};

async function status(
  context: Context,
  stack: Stack,
  { part, flags }: { part: string; flags: Flags },
): Promise<Result> {
  if (part !== ALL && !(PART_NAMES as readonly string[]).includes(part)) {
    const mend = `bulwark serving status ${[...PART_NAMES, ALL].join("|")}`;
    throw new BulwarkError("USAGE", `There is no part ${part}.`, mend);
  }
  if (!isAlive(stack.pid))
    context.progress.warn("bulwark serve has ended without clearing up; start it again: bulwark serve");
  const isDocument = flags.output === "json" || flags.output === "yaml";
  const parts = await lookAtParts(stack, {
    ...(part === ALL ? {} : { only: part as PartName }),
    timeoutMs: Number(flags.timeout) * 1000,
    signal: context.signal,
    say: (line) => void (isDocument || context.stdout.write(`${line}\n`)),
  });
  for (const { error } of parts) if (error !== undefined && !isDocument) explain(context, error);
  const exitCode = EXIT[parts.some(({ state }) => state === "failed") ? ERRORS.SERVING_NOT_READY.exit : "done"];
  return { exitCode, ...(isDocument ? { value: { parts } } : {}) };
}

function explain(context: Context, error: NonNullable<PartStatus["error"]>): void {
  context.progress.warn(`${error.code}: ${error.message}\n  log: ${error.log}\n  -> ${error.mend}`);
}

async function relay(context: Context, { queue }: Stack, flags: Flags): Promise<Result> {
  if (queue === undefined) {
    const mend = "install redis-server, then start bulwark serve again";
    throw new BulwarkError("SERVING_NOT_READY", "Direct mode is in use; older clients need the queue.", mend);
  }
  const options = { port: Number(flags.port), model: String(flags.model) };
  const limits = { mostRecords: 1_000_000, mostBytes: Number.MAX_SAFE_INTEGER };
  const running = await startRelay(queue, { ...options, ...limits });
  context.progress.note(`Older clients reach ${queue.job} at 127.0.0.1:${running.port}, until Ctrl-C.`);
  if (!context.signal.aborted) await once(context.signal, "abort");
  await running.close();
  return {};
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError("Give a number of seconds.");
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= LONGEST_PORT) return port;
  throw new InvalidArgumentError("Give a port from 0 to 65535; 0 takes a free one.");
}
