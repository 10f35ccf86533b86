// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "./ground.ts";
import { median, time } from "./measure.ts";
import type { LoadPlan, LoadResult } from "./serving/load.ts";
import { installPeers, PEERS, type Peer, SIDES, type Side, type Subject, startSide, stop } from "./serving/sides.ts";
import { findPort, SUBJECTS } from "./serving/subjects.ts";

export const SERVING_ROUNDS = 3;
const LOAD_CORE = "1";
const CONNECTIONS = 64;
const WARM_SECONDS = 5;
/** Compilers of hot code go on for half a minute and more; until then a server gives less than it will. */
const WARM_WINDOWS = 10;
const WINDOW_SECONDS = 10;
const LONGEST_P99_MS = 50;
/** A machine that stood still for a tenth of a second breaks a window, whoever was measured in it. */
const ATTEMPTS = 2;
/** Parts of the rate that a closed loop reaches, tried from the highest on. */
const STEPS = [0.95, 0.85, 0.75, 0.65, 0.5, 0.35, 0.2, 0.1];

const FORMS = ["json", "binary"] as const;
type Form = (typeof FORMS)[number];

type BenchRates = (rounds: number, say: (line: string) => void) => Promise<string[]>;

/** Requests answered within the gateway's process. */
export const benchServingDirect: BenchRates = (rounds, say) =>
  benchServing({ name: "serving-direct", ours: { json: "json", binary: "binary" } }, rounds, say);

/**
 * Requests through the queue: gateway, engine and Redis on the one core, with TLS between them, records sealed, every one
 * in the append-only file. The peers answer directly and keep nothing: no figure of theirs has durability in it.
 */
export const benchServingDurable: BenchRates = (rounds, say) =>
  benchServing({ name: "serving-durable", ours: { json: "durable-json", binary: "durable-binary" } }, rounds, say);

/**
 * The highest rate that each server holds with p99 below 50 ms and without an error, on one core, the load on another.
 * Gives for each model a line for JSON and one for binary tensors, each against the best peer, and one for JSON against
 * the best that is asked in JSON too.
 */
async function benchServing(
  { name: bench, ours }: { name: string; ours: Readonly<Record<Form, keyof typeof SIDES>> },
  rounds: number,
  say: (line: string) => void,
): Promise<string[]> {
  await installPeers(say);
  const folder = await mkdtemp(join(tmpdir(), "bulwark-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const sides = [...Object.values(ours), ...PEERS];
  const lines: string[] = [];
  for (const [model, make] of Object.entries(SUBJECTS)) {
    if (![model, undefined].includes(process.env.BENCH_MODEL)) continue;
    const subject = await make(folder);
    const rates = new Map<string, number[]>(sides.map((name) => [name, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const name of sides) {
        const { rate, p99 } = await findRate(SIDES[name], subject);
        say(`${model}, round ${round} of ${rounds}: ${name} ${rate.toFixed(0)} requests/s, p99 ${p99.toFixed(1)} ms`);
        rates.get(name)?.push(rate);
      }
    }
    const middle = (name: string): number => median(rates.get(name) ?? []);
    const compare = (name: string, form: Form, peers: readonly Peer[]): void => {
      const best = peers.toSorted((a, b) => middle(b) - middle(a))[0] ?? "mosec";
      const [rate, peer] = [middle(ours[form]), middle(best)];
      lines.push(
        `${bench}-${model}-${name} ratio=${(rate / peer).toFixed(2)} ours=${rate.toFixed(1)} peer=${peer.toFixed(1)} unit=requests/s peer-name=${best} runs=${rounds}`,
      );
    };
    for (const form of FORMS) compare(form, form, PEERS);
    // All but one are asked in JSON: the same text against the same text.
    compare(
      "json-alike",
      "json",
      PEERS.filter((peer) => peer !== "mosec"),
    );
  }
  return lines;
}

async function findRate(side: Side, subject: Subject): Promise<{ rate: number; p99: number }> {
  const port = await findPort();
  const server = await startSide(side, subject, port);
  try {
    const plan = { port, request: side.request(subject).toString("base64"), connections: CONNECTIONS };
    const load = (rate: number, seconds: number) => measure(subject, { ...plan, rate, seconds });
    const most = await warmUp(() => load(0, WARM_SECONDS));
    let p99 = Number.POSITIVE_INFINITY;
    // It answers nothing but errors.
    if (!(most > 0)) return { rate: 0, p99 };
    for (const step of STEPS) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const result = await load(most * step, WINDOW_SECONDS);
        if (result.errors === 0 && result.p99 < LONGEST_P99_MS) return result;
        p99 = Math.min(p99, result.p99);
      }
    }
    // It holds no rate: that is its figure, and no reason to lose those of the others.
    return { rate: 0, p99 };
  } finally {
    await stop(server);
  }
}

/** Loads a server with all connections at once for as long as compilers of hot code go on; gives the highest rate of a window. */
async function warmUp(load: () => Promise<LoadResult>): Promise<number> {
  let most = 0;
  for (let window = 0; window < WARM_WINDOWS; window++) {
    const { rate, answered, errors } = await load();
    // Some shed load when all connections ask at once.
    most = Math.max(most, rate * (1 - errors / answered) || 0);
  }
  return most;
}

/** The request of a plan can be longer than an argument may be. */
async function measure({ file }: Subject, plan: LoadPlan): Promise<LoadResult> {
  const generator = join(ROOT, "bench", "serving", "load.ts");
  const planFile = join(dirname(file), "plan.json");
  await writeFile(planFile, JSON.stringify(plan));
  const { output } = await time("taskset", ["--cpu-list", LOAD_CORE, process.execPath, generator, planFile]);
  return JSON.parse(output) as LoadResult;
}
