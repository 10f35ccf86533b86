// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";

/** One figure of ours, or several by name, against a named peer; each call returns seconds. */
export type Bench = {
  peerName: string;
  runs: number;
  ours: Readonly<Record<string, () => Promise<number>>>;
  peer: () => Promise<number>;
};

/**
 * Runs every side once per round, in turn, and returns one comparable line per figure of ours: medians, and
 * ratio = ours / peer.
 */
export async function measure(bench: Bench, runs: number, say: (line: string) => void): Promise<string[]> {
  const sides = { ...bench.ours, [bench.peerName]: bench.peer };
  const seconds = Object.fromEntries(Object.keys(sides).map((name): [string, number[]] => [name, []]));
  for (let run = 1; run <= runs; run++) {
    for (const [name, side] of Object.entries(sides)) seconds[name]?.push(await side());
    const now = Object.entries(seconds).map(([name, values]) => `${name} ${show(values.at(-1))} s`);
    say(`run ${run} of ${runs}: ${now.join(", ")}`);
  }
  for (const [name, values] of Object.entries(seconds)) say(`${name} ${range(values)}`);
  const peer = median(seconds[bench.peerName] ?? []);
  return Object.keys(bench.ours).map((name) => {
    const ours = median(seconds[name] ?? []);
    return `${name} ratio=${(ours / peer).toFixed(2)} ours=${show(ours)} peer=${show(peer)} unit=s peer-name=${bench.peerName} runs=${runs}`;
  });
}

/** Middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

function range(values: readonly number[]): string {
  return `${show(Math.min(...values))} to ${show(Math.max(...values))} s`;
}

function show(seconds = Number.NaN): string {
  return seconds.toFixed(3);
}

const INTERRUPTED = 130;

/** What a command printed, and the seconds from its start to the line that matches (or to its end). */
export type Timed = { output: string; seconds: number };

/**
 * Runs a command to its end.
 *
 * @param until the time is taken when this appears on standard output
 * @param interrupts whether the command is interrupted then, since what it does afterwards does not count
 * @throws Error with the end of what the command said, when it fails
 */
export async function time(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; until?: RegExp; interrupts?: boolean } = {},
): Promise<Timed> {
  const startedAt = performance.now();
  const child = spawn(command, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  let reachedAt: number | undefined;
  child.stdout.on("data", (chunk) => {
    output += chunk;
    if (reachedAt !== undefined || options.until?.test(output) !== true) return;
    reachedAt = performance.now();
    if (options.interrupts === true) child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  const ended = code === 0 || (options.interrupts === true && code === INTERRUPTED);
  if (!ended || (options.until !== undefined && reachedAt === undefined)) {
    throw new Error(`${command} ended with ${code}: ${errors.slice(-2000)}`);
  }
  return { output, seconds: ((reachedAt ?? performance.now()) - startedAt) / 1000 };
}
