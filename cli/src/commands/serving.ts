// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { BulwarkError, ERRORS, EXIT } from "@bulwark/contracts/errors";
import { MODEL_NAME } from "@bulwark/inference/model-files";
import {
  countDropped,
  type DeadLetter,
  dropDeadLetters,
  type Link,
  listDeadLetters,
  type Names,
  nameKeys,
  reviveDeadLetters,
} from "@bulwark/queue";
import { InvalidArgumentError } from "commander";
import type { Column, CommandSpec, Context, Result } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { explainGiven } from "../serving/given-redis.ts";
import { askRedis } from "../serving/redis-probe.ts";
import { startRelay } from "../serving/relay.ts";
import { addQueueFlags, type RelayQueue, readQueueFlags } from "../serving/relay-queue.ts";
import { readStack, type Stack } from "../serving/stack.ts";
import { lookAtParts, type PartStatus } from "../serving/status/look.ts";
import { PART_NAMES, type PartName } from "../serving/status/parts.ts";
import { addTuneFlags } from "../serving/tune/flags.ts";

const LONGEST_PORT = 65_535;
const ALL = "all";

type Flags = Readonly<Record<string, unknown>>;

/** `bulwark serving`: looks at what `bulwark serve` started, lets older clients in, and finds settings that suit a model. */
export const spec: CommandSpec = {
  examples: [
    "bulwark serving status",
    "bulwark serving status redis",
    "bulwark serving dead",
    "bulwark serving dead retry 1764000000000-0",
    "bulwark serving dead drop --all",
    "bulwark serving tune models/digits",
    "bulwark serving tune digits.onnx --p99 20 --write serving.yaml",
    "bulwark serving relay",
    "bulwark serving relay --port 6380 --model resnet50",
    "bulwark serving relay --redis rediss://redis.example:6379 --password-file password --ca-file ca.crt --keyring-file keyring.json",
  ],
  configure(command) {
    command
      .command("status")
      .description("try every part of the serving stack, wait until it is ready, say what is not")
      .argument("[part]", `one of ${[...PART_NAMES, ALL].join(", ")}`, ALL)
      .option("--timeout <seconds>", "how long to wait until everything is ready", toSeconds, 60);
    command
      .command("dead")
      .description("records that could not be computed: list them with the reason, compute them again, drop them")
      .argument("[action]", `one of ${Object.keys(DEAD_ACTIONS).join(", ")}`, "list")
      .argument("[letters...]", "which of them, as list -o name gives them")
      .option("--all", "all of them, to retry or drop")
      .option("--limit <number>", "how many are listed", toCount, 20);
    addTuneFlags(
      command.command("tune").description("measure which copies, threads and batch suit a model, and show the table"),
    );
    addQueueFlags(
      command
        .command("relay")
        .description("take records of older clients, which speak plain Redis, on loopback")
        .option("--port <port>", "port of loopback", toPort, 6379)
        .option("--model <name>", "model that answers them; the only one when not given", toModel, ""),
    );
  },
  async execute(context, { args, flags, path }) {
    if (path[0] === "tune") return (await import("../serving/tune/tune.ts")).tune(context, args, flags);
    if (path[0] === "relay") {
      const given = readQueueFlags(context.cwd, flags);
      if (given === undefined) return relay(context, requireQueue(await readStack(context.paths)), flags);
      return relay(context, given, flags).catch((error) => {
        throw explainGiven(error, given.relay.url);
      });
    }
    const stack = await readStack(context.paths);
    if (path[0] === "dead") return handleDead(context, stack, args, flags);
    return status(context, stack, { part: args[0] ?? ALL, flags });
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
  const asDocument = isDocument(flags.output);
  const parts = await lookAtParts(stack, {
    ...(part === ALL ? {} : { only: part as PartName }),
    timeoutMs: Number(flags.timeout) * 1000,
    signal: context.signal,
    say: (line) => void (asDocument || context.stdout.write(`${line}\n`)),
  });
  for (const { error } of parts) if (error !== undefined && !asDocument) explain(context, error);
  const exitCode = EXIT[parts.some(({ state }) => state === "failed") ? ERRORS.SERVING_NOT_READY.exit : "done"];
  return { exitCode, ...(asDocument ? { value: { parts } } : {}) };
}

function explain(context: Context, error: NonNullable<PartStatus["error"]>): void {
  context.progress.warn(`${error.code}: ${error.message}\n  log: ${error.log}\n  -> ${error.mend}`);
}

const DEAD_COLUMNS: readonly Column<DeadLetter>[] = [
  { heading: "letter", cell: ({ letter }) => letter },
  { heading: "at", cell: ({ at }) => at },
  { heading: "uri", cell: ({ uri }) => uri },
  { heading: "model", cell: ({ model }) => model },
  { heading: "reason", cell: ({ reason }) => reason },
  { heading: "deliveries", cell: ({ deliveries }) => String(deliveries) },
  { heading: "id", cell: ({ id }) => id, wide: true },
];

type Change = (link: Link, names: Names, letters: readonly string[]) => Promise<number>;

/** What can be done about dead letters; `undefined` only looks. Retrying and dropping need a user that takes records in. */
const DEAD_ACTIONS: Readonly<Record<string, Change | undefined>> = {
  list: undefined,
  retry: async (link, names, letters) => (await reviveDeadLetters(link, names, letters)).length,
  drop: dropDeadLetters,
};
const DEAD_AT_ONCE = 100;
const LETTER = /^\d+-\d+$/;

async function handleDead(
  context: Context,
  stack: Stack,
  [action = "list", ...letters]: readonly string[],
  flags: Flags,
): Promise<Result> {
  const mend = `bulwark serving dead ${Object.keys(DEAD_ACTIONS).join("|")} [LETTER...|--all]`;
  if (!Object.hasOwn(DEAD_ACTIONS, action)) throw new BulwarkError("USAGE", `There is no action ${action}.`, mend);
  const change = DEAD_ACTIONS[action];
  if (change === undefined) return listDead(context, stack, flags);
  if (letters.length > 0 === (flags.all === true)) throw new BulwarkError("USAGE", "Which of them is not clear.", mend);
  const wrong = letters.find((letter) => !LETTER.test(letter));
  if (wrong !== undefined)
    throw new BulwarkError("USAGE", `${wrong} names no dead letter.`, "bulwark serving dead -o name");
  const { redis, relay: taker, job } = requireQueue(stack);
  const names = nameKeys(job);
  // Those that are there now: what dies again meanwhile is not taken a second time.
  const most = Number.MAX_SAFE_INTEGER;
  const chosen =
    flags.all === true
      ? (await askRedis(redis, (link) => listDeadLetters(link, names, most))).map(({ letter }) => letter)
      : letters;
  const changed = await askRedis(taker, async (link) => {
    let count = 0;
    for (let at = 0; at < chosen.length; at += DEAD_AT_ONCE) {
      count += await change(link, names, chosen.slice(at, at + DEAD_AT_ONCE));
    }
    return count;
  });
  if (changed < letters.length) {
    throw new BulwarkError(
      "RESULT_UNKNOWN",
      `${letters.length - changed} of them are not there.`,
      "bulwark serving dead",
    );
  }
  return { value: { action, changed }, text: `${changed} dead letters: ${action}\n` };
}

async function listDead({ progress }: Context, stack: Stack, flags: Flags): Promise<Result> {
  const { redis, job } = requireQueue(stack);
  const names = nameKeys(job);
  const [letters, dropped] = await askRedis(redis, (link) =>
    Promise.all([listDeadLetters(link, names, Number(flags.limit)), countDropped(link, names)]),
  );
  if (dropped > 0 && !isDocument(flags.output)) {
    progress.warn(
      `${dropped} older dead letters were dropped to make room.\n  -> retry or drop them before there are so many`,
    );
  }
  const table = {
    rows: letters,
    columns: DEAD_COLUMNS,
    name: ({ letter }: DeadLetter) => letter,
    empty: "No dead letters.",
  };
  return { value: { deadLetters: letters, dropped }, table };
}

function requireQueue({ queue }: Stack): NonNullable<Stack["queue"]> {
  if (queue !== undefined) return queue;
  const mend = "apt-get install redis-server, then start bulwark serve again without --direct";
  throw new BulwarkError("SERVING_NOT_READY", "Direct mode is in use; there is no queue.", mend);
}

/** What may wait where nothing else is said: older clients are kept waiting, or drop what is refused. */
const RELAY_LIMITS = { mostRecords: 1_000_000, mostBytes: Number.MAX_SAFE_INTEGER };

async function relay(context: Context, queue: RelayQueue, flags: Flags): Promise<Result> {
  const options = { port: Number(flags.port), model: String(flags.model) };
  const running = await startRelay(queue, { ...options, ...RELAY_LIMITS, ...queue.limits });
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

function toCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0) return count;
  throw new InvalidArgumentError("Give a whole number, 1 or more.");
}

function toModel(text: string): string {
  if (MODEL_NAME.test(text)) return text;
  throw new InvalidArgumentError("Give the name of a model: letters, digits, dots, dashes and underscores.");
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= LONGEST_PORT) return port;
  throw new InvalidArgumentError("Give a port from 0 to 65535; 0 takes a free one.");
}
