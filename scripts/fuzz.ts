// SPDX-License-Identifier: Apache-2.0
// Attacks parsers and servers with mutated input for as long as it takes: npm run fuzz -- ROOM [TARGET|all] [INPUTS] [SEED]
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { fuzz } from "../packages/attestation/src/testing/fuzz/run.ts";
import { TARGETS, type Target } from "../packages/attestation/src/testing/fuzz/targets.ts";
import { type EntryFuzzResult, fuzzEntries } from "../test/serving/fuzz-entries.ts";
import { fuzzRelay } from "../test/serving/fuzz-relay.ts";
import { fuzzSurface, type ServerFuzzResult, startFuzzedGateway } from "../test/serving/fuzz-servers.ts";
import { SURFACES } from "../test/serving/fuzz-surfaces.ts";
import { SERVING_TARGETS } from "../test/serving/fuzz-targets.ts";
import type { Rss } from "../test/serving/read-rss.ts";
import { type QueueStack, startQueueStack } from "../test/serving/stack.ts";

type Limits = { inputs: number; seed: number };
type Report = { figures: Readonly<Record<string, string | number>>; failures: { input: string; problem: string }[] };
/** What can be attacked, by name. */
type Room = { names: readonly string[]; attack(name: string, limits: Limits): Promise<Report> };

setFlagsFromString("--expose-gc");
const sweep: () => void = runInNewContext("gc");
/** Heap and buffers that are still in use, in MiB. */
const measureMemory = (): number => {
  sweep();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
};

/** Functions of this process that read bytes. */
const readers = (targets: Readonly<Record<string, Target>>): Room => ({
  names: Object.keys(targets),
  async attack(name, limits) {
    // A million errors are thrown and caught; collecting their stacks would take half the time.
    Error.stackTraceLimit = 0;
    const before = measureMemory();
    const { failures, ...result } = fuzz(targets[name] as Target, {
      ...limits,
      milliseconds: Number.POSITIVE_INFINITY,
    });
    const figures = {
      ...{ inputs: result.inputs, read: result.read, outcomes: result.outcomes },
      "slowest-ms": result.slowestMilliseconds.toFixed(1),
      "largest-mib": (result.largestBytes / 2 ** 20).toFixed(1),
      "heap-mib": `${before.toFixed(1)}..${measureMemory().toFixed(1)}`,
    };
    return { figures, failures };
  },
});

const writeRss = ({ first, last, most }: Readonly<Rss>): string =>
  `${first.toFixed(0)}..${last.toFixed(0)},most:${most.toFixed(0)}`;

/** A gateway of its own for each surface, so that its memory is the surface's. */
const gateway: Room = {
  names: Object.keys(SURFACES),
  async attack(name, limits) {
    const server = await startFuzzedGateway(process.env);
    try {
      const { failures, slowestMs, rssMiB, ...counts } = await fuzzSurface(name, server, limits);
      return { figures: { ...counts, "slowest-ms": slowestMs.toFixed(0), "rss-mib": writeRss(rssMiB) }, failures };
    } finally {
      await server.stop();
    }
  },
};

/** An engine behind a Redis, and the relay before both. */
const QUEUE: Readonly<
  Record<string, (stack: QueueStack, limits: Limits) => Promise<EntryFuzzResult | ServerFuzzResult>>
> = { entries: fuzzEntries, relay: fuzzRelay };
const queue: Room = {
  names: Object.keys(QUEUE),
  async attack(name, limits) {
    const stack = await startQueueStack(["echo"]);
    try {
      const { failures, slowestMs, rssMiB, ...rest } = await (QUEUE[name] ?? fuzzEntries)(stack, limits);
      const counts = Object.entries(rest).map(([key, value]) => [key, String(value)]);
      const measured = { "slowest-ms": slowestMs.toFixed(0), "rss-mib": writeRss(rssMiB) };
      return { figures: { ...Object.fromEntries(counts), ...measured }, failures };
    } finally {
      await stack.stop();
    }
  },
};

const ROOMS: Readonly<Record<string, Room>> = {
  ...{ attestation: readers(TARGETS), serving: readers(SERVING_TARGETS), gateway, queue },
};

const DEFAULT_INPUTS = 1_000_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const [where = "", target = "all", inputs = String(DEFAULT_INPUTS), seed = "1"] = process.argv.slice(2);
const room = ROOMS[where];
const names = target === "all" ? (room?.names ?? []) : [target];
if (room === undefined || names.some((name) => !room.names.includes(name)) || !(Number(inputs) > 0)) {
  process.stderr.write("npm run fuzz -- ROOM [TARGET|all] [INPUTS of each] [SEED]\n");
  for (const [name, known] of Object.entries(ROOMS)) {
    process.stderr.write(`ROOM ${name}, TARGET one of: ${known.names.join(", ")}\n`);
  }
  process.exit(EXIT_USAGE);
}
for (const name of names) {
  const startedAt = performance.now();
  const { figures, failures } = await room.attack(name, { inputs: Number(inputs), seed: Number(seed) });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  const line = Object.entries({ ...figures, failures: failures.length, seconds }).map(
    ([key, value]) => `${key}=${value}`,
  );
  process.stdout.write(`fuzz ${name} ${line.join(" ")}\n`);
  for (const { input, problem } of failures) process.stdout.write(`${problem}\n  input ${input}\n`);
  if (failures.length > 0) process.exitCode = EXIT_FAILED;
}
