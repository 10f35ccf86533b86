// SPDX-License-Identifier: Apache-2.0
// Attacks parsers with mutated input for as long as it takes: npm run fuzz -- attestation [PARSER|all] [INPUTS] [SEED]
import { fuzz } from "../packages/attestation/src/testing/fuzz/run.ts";
import { TARGETS } from "../packages/attestation/src/testing/fuzz/targets.ts";

const DEFAULT_INPUTS = 1_000_000;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const [room, parser = "all", inputs = String(DEFAULT_INPUTS), seed = "1"] = process.argv.slice(2);
const names = parser === "all" ? Object.keys(TARGETS) : [parser];
if (room !== "attestation" || names.some((name) => !(name in TARGETS)) || !(Number(inputs) > 0)) {
  process.stderr.write("npm run fuzz -- attestation [PARSER|all] [INPUTS] [SEED]\n");
  process.stderr.write(`PARSER one of: ${Object.keys(TARGETS).join(", ")}\n`);
  process.exit(EXIT_USAGE);
}
// A million errors are thrown and caught; collecting their stacks would take half the time.
Error.stackTraceLimit = 0;
for (const name of names) {
  const target = TARGETS[name];
  if (target === undefined) continue;
  const result = fuzz(target, { inputs: Number(inputs), milliseconds: Number.POSITIVE_INFINITY, seed: Number(seed) });
  const figures = [
    `inputs=${result.inputs}`,
    `read=${result.read}`,
    `outcomes=${result.outcomes}`,
    `slowest-ms=${result.slowestMilliseconds.toFixed(1)}`,
    `largest-mib=${(result.largestBytes / 2 ** 20).toFixed(1)}`,
    `failures=${result.failures.length}`,
    `seconds=${result.seconds.toFixed(0)}`,
  ];
  process.stdout.write(`fuzz ${name} ${figures.join(" ")}\n`);
  for (const { input, problem } of result.failures) process.stdout.write(`${problem}\n  input ${input}\n`);
  if (result.failures.length > 0) process.exitCode = EXIT_FAILED;
}
