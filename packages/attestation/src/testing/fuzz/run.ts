// SPDX-License-Identifier: Apache-2.0
import { getHeapStatistics } from "node:v8";
import { makeDice, mutate } from "./mutate.ts";
import { isExpected, type Target } from "./targets.ts";

/** When a run ends, and its seed. */
export type FuzzLimits = { inputs: number; milliseconds: number; seed: number };

/** What a run saw. `slowest` and `largest` are of one input. */
export type FuzzResult = {
  inputs: number;
  /** Inputs that were read without an error. */
  read: number;
  /** Different ways in which inputs were read or refused. */
  outcomes: number;
  seconds: number;
  slowestMilliseconds: number;
  largestBytes: number;
  failures: { input: string; problem: string }[];
};

const MOST_MILLISECONDS = 50;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_FAILURES = 5;
const MOST_FOUND = 2000;
/** A slow or large input is tried again, since the machine may have been busy or the heap just swept. */
const TRIES = 5;

type Trial = { outcome: string; milliseconds: number; bytes: number; problem?: string };

/** Attacks a parser with mutations of its seeds; inputs that end in a way not seen before are mutated further. */
export function fuzz(target: Target, { inputs, milliseconds, seed }: FuzzLimits): FuzzResult {
  const dice = makeDice(seed);
  const seeds = target.seeds();
  const found: Buffer[] = [];
  const seen = new Set<string>();
  const result: FuzzResult = {
    inputs: 0,
    read: 0,
    outcomes: 0,
    seconds: 0,
    slowestMilliseconds: 0,
    largestBytes: 0,
    failures: [],
  };
  const startedAt = performance.now();
  const pickFrom = (from: readonly Buffer[]): Buffer | undefined => from[dice(Math.max(1, from.length))];
  const pick = (): Buffer => (dice(2) === 0 ? pickFrom(found) : undefined) ?? pickFrom(seeds) ?? Buffer.alloc(0);
  while (result.inputs < inputs && performance.now() - startedAt < milliseconds) {
    const input = mutate(pick(), pick(), dice);
    const trial = tryInput(target, input);
    result.inputs++;
    result.read += trial.outcome === "read" ? 1 : 0;
    result.slowestMilliseconds = Math.max(result.slowestMilliseconds, trial.milliseconds);
    result.largestBytes = Math.max(result.largestBytes, trial.bytes);
    if (trial.problem !== undefined) {
      result.failures.push({ input: input.toString("base64"), problem: trial.problem });
      if (result.failures.length === MOST_FAILURES) break;
    }
    if (seen.has(trial.outcome)) continue;
    seen.add(trial.outcome);
    if (found.length < MOST_FOUND) found.push(input);
  }
  return { ...result, outcomes: seen.size, seconds: (performance.now() - startedAt) / 1000 };
}

function tryInput(target: Target, input: Buffer): Trial {
  let best = measureOnce(target, input);
  for (let again = 1; again < TRIES && (best.milliseconds > MOST_MILLISECONDS || best.bytes > MOST_BYTES); again++) {
    const next = measureOnce(target, input);
    best = {
      ...best,
      milliseconds: Math.min(best.milliseconds, next.milliseconds),
      bytes: Math.min(best.bytes, next.bytes),
    };
  }
  if (best.milliseconds > MOST_MILLISECONDS) return { ...best, problem: `took ${best.milliseconds.toFixed(0)} ms` };
  return best.bytes > MOST_BYTES ? { ...best, problem: `took ${best.bytes} bytes` } : best;
}

function measureOnce(target: Target, input: Buffer): Trial {
  const bytesBefore = countBytes();
  const startedAt = performance.now();
  let outcome = "read";
  let problem: string | undefined;
  try {
    target.run(input);
  } catch (error) {
    if (isExpected(error)) outcome = describe(error);
    else problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const trial = {
    outcome,
    milliseconds: performance.now() - startedAt,
    bytes: Math.max(0, countBytes() - bytesBefore),
  };
  return problem === undefined ? trial : { ...trial, problem };
}

/** An error as its code and, where it wraps what a reader said, that: without the input's own values. */
function describe(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  const said = code === "" ? error.message : error.cause instanceof Error ? error.cause.message : "";
  return `${code} ${said.replaceAll(/\d+/g, "#").slice(0, 120)}`;
}

/** Bytes of heap and buffers in use: what one input added, unless the collector ran in between. */
function countBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}
