// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";

/** Ours against a peer; each call returns seconds. */
export type Bench = {
  name: string;
  peerName: string;
  runs: number;
  ours: () => Promise<number>;
  peer: () => Promise<number>;
};

/** Runs both sides in turn and returns the one comparable line: medians, and ratio = ours / peer. */
export async function measure(bench: Bench, runs: number, say: (line: string) => void): Promise<string> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let run = 1; run <= runs; run++) {
    ours.push(await bench.ours());
    peer.push(await bench.peer());
    say(`${bench.name} run ${run} of ${runs}: ours ${show(ours.at(-1))} s, ${bench.peerName} ${show(peer.at(-1))} s`);
  }
  say(`${bench.name} ours ${range(ours)}, ${bench.peerName} ${range(peer)}`);
  const [a, b] = [median(ours), median(peer)];
  return `${bench.name} ratio=${showRatio(a / b)} ours=${show(a)} peer=${show(b)} unit=s peer-name=${bench.peerName} runs=${runs}`;
}

/** Middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

/** Two decimals, more where the first ones say nothing. */
function showRatio(ratio: number): string {
  return ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2);
}

function range(values: readonly number[]): string {
  return `${show(Math.min(...values))} to ${show(Math.max(...values))} s`;
}

function show(seconds = Number.NaN): string {
  return seconds.toFixed(3);
}

/** What a command printed, and the seconds from its start to the line that matches (or to its end). */
export type Timed = { output: string; seconds: number };

/**
 * Runs a command to its end.
 *
 * @param until the time is taken when this appears on standard output
 * @throws Error with the end of what the command said, when it fails
 */
export async function time(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; until?: RegExp } = {},
): Promise<Timed> {
  const startedAt = performance.now();
  const child = spawn(command, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  let reachedAt: number | undefined;
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (options.until?.test(output)) reachedAt ??= performance.now();
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code !== 0 || (options.until !== undefined && reachedAt === undefined)) {
    throw new Error(`${command} ended with ${code}: ${errors.slice(-2000)}`);
  }
  return { output, seconds: ((reachedAt ?? performance.now()) - startedAt) / 1000 };
}
