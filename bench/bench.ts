// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { arch, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { NODE_VARIABLE } from "../test/cluster/fixture/cluster.ts";
import { benchCliStart } from "./cli-start.ts";
import type { Bench } from "./measure.ts";
import { measure } from "./measure.ts";
import { benchParquet } from "./parquet.ts";
import { benchPiStart } from "./pi-start.ts";
import { benchQuoteHeap, benchQuoteVerify } from "./quote-verify.ts";
import { benchServingDirect, benchServingDurable, SERVING_ROUNDS } from "./serving-direct.ts";
import { benchServingFlink, FLINK_ROUNDS } from "./serving-flink.ts";
import { benchServingStart, START_ROUNDS } from "./serving-start.ts";
import { benchServingIdle, benchServingReload, RELOAD_CYCLES } from "./serving-steady.ts";
import { benchShuffle, benchShuffleOverSockets } from "./shuffle.ts";
import { benchSubmit, benchSubmitMany, SUBMIT_MANY_RUNS, SUBMIT_RUNS } from "./submit.ts";

/** Every benchmark by name; each compares ours with a named peer in the same run. */
const BENCHES: Readonly<Record<string, () => Promise<readonly Bench[]>>> = {
  "cli-start": benchCliStart,
  "pi-start": benchPiStart,
  shuffle: benchShuffle,
  "shuffle-over-sockets": benchShuffleOverSockets,
  parquet: benchParquet,
  "quote-verify": benchQuoteVerify,
  "quote-heap": benchQuoteHeap,
};

/** These run in the network of a test node, which `npm run cluster` brings. */
const ON_NODE = ["submit", "submit-many"];

/** Benchmarks that take their rounds themselves: they measure rates, or what they need goes away when they end. */
const WHOLE: Readonly<Record<string, { runs: number; run: typeof benchServingDirect }>> = {
  submit: { runs: SUBMIT_RUNS, run: benchSubmit },
  "submit-many": { runs: SUBMIT_MANY_RUNS, run: benchSubmitMany },
  "serving-direct": { runs: SERVING_ROUNDS, run: benchServingDirect },
  "serving-durable": { runs: SERVING_ROUNDS, run: benchServingDurable },
  "serving-start": { runs: START_ROUNDS, run: benchServingStart },
  "serving-idle": { runs: 1, run: benchServingIdle },
  "serving-reload": { runs: RELOAD_CYCLES, run: benchServingReload },
  "serving-flink": { runs: FLINK_ROUNDS, run: benchServingFlink },
};

const [name = "", runs] = process.argv.slice(2);
const prepare = BENCHES[name];
const whole = WHOLE[name];
if (prepare === undefined && whole === undefined) {
  const names = [...Object.keys(BENCHES), ...Object.keys(WHOLE)].join(", ");
  process.stderr.write(`npm run bench -- NAME [RUNS], NAME one of: ${names}\n`);
  process.exit(2);
}
if (ON_NODE.includes(name) && process.env[NODE_VARIABLE] === undefined) {
  const main = join(import.meta.dirname, "..", "test", "cluster", "main.ts");
  const { status } = spawnSync(process.execPath, [main, "bench", ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(status ?? 1);
}
const [cpu] = cpus();
process.stderr.write(`${cpus().length} x ${cpu?.model ?? arch()}, ${Math.round(totalmem() / 1e9)} GB\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
if (whole !== undefined) {
  for (const line of await whole.run(Number(runs ?? whole.runs), say)) process.stdout.write(`${line}\n`);
}
for (const bench of (await prepare?.()) ?? []) {
  for (const line of await measure(bench, Number(runs ?? bench.runs), say)) process.stdout.write(`${line}\n`);
}
