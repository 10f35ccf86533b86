// SPDX-License-Identifier: Apache-2.0
// Attacks parsers with mutated input for as long as it takes: npm run fuzz -- ROOM [PARSER|all] [INPUTS] [SEED]
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { fuzz } from "../packages/attestation/src/testing/fuzz/run.ts";
import { TARGETS, type Target } from "../packages/attestation/src/testing/fuzz/targets.ts";
import { SERVING_TARGETS } from "../test/serving/fuzz-targets.ts";

const ROOMS: Readonly<Record<string, Readonly<Record<string, Target>>>> = {
  attestation: TARGETS,
  serving: SERVING_TARGETS,
};

const DEFAULT_INPUTS = 1_000_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const [room = "", parser = "all", inputs = String(DEFAULT_INPUTS), seed = "1"] = process.argv.slice(2);
const targets = ROOMS[room] ?? {};
const names = parser === "all" ? Object.keys(targets) : [parser];
if (names.length === 0 || names.some((name) => !(name in targets)) || !(Number(inputs) > 0)) {
  process.stderr.write("npm run fuzz -- ROOM [PARSER|all] [INPUTS] [SEED]\n");
  for (const [name, known] of Object.entries(ROOMS)) {
    process.stderr.write(`ROOM ${name}, PARSER one of: ${Object.keys(known).join(", ")}\n`);
  }
  process.exit(EXIT_USAGE);
}
setFlagsFromString("--expose-gc");
const sweep: () => void = runInNewContext("gc");
/** Heap and buffers that are still in use, in MiB. */
const measureMemory = (): number => {
  sweep();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
};
// A million errors are thrown and caught; collecting their stacks would take half the time.
Error.stackTraceLimit = 0;
for (const name of names) {
  const target = targets[name];
  if (target === undefined) continue;
  const before = measureMemory();
  const result = fuzz(target, { inputs: Number(inputs), milliseconds: Number.POSITIVE_INFINITY, seed: Number(seed) });
  const figures = [
    `inputs=${result.inputs}`,
    `read=${result.read}`,
    `outcomes=${result.outcomes}`,
    `slowest-ms=${result.slowestMilliseconds.toFixed(1)}`,
    `largest-mib=${(result.largestBytes / 2 ** 20).toFixed(1)}`,
    `heap-mib=${before.toFixed(1)}..${measureMemory().toFixed(1)}`,
    `failures=${result.failures.length}`,
    `seconds=${result.seconds.toFixed(0)}`,
  ];
  process.stdout.write(`fuzz ${name} ${figures.join(" ")}\n`);
  for (const { input, problem } of result.failures) process.stdout.write(`${problem}\n  input ${input}\n`);
  if (result.failures.length > 0) process.exitCode = EXIT_FAILED;
}
