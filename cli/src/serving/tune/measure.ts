// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { createEngine, DEFAULT_SETTINGS, type Repository, type UnwrapModelKey } from "@bulwark/inference";
import { makeZeros, type Tensor } from "@bulwark/tensors";
import type { Candidate, Measurement } from "./choose.ts";

export type Subject = {
  repository: Repository;
  model: string;
  /** Whole shapes of one request's inputs, by name; otherwise the model's with 1 wherever it may be any. */
  shapes: Readonly<Record<string, readonly number[]>>;
  unwrap: UnwrapModelKey;
};

type Load = { seconds: number; now(): number; signal: AbortSignal };

const WARM_UP_SHARE = 0.2;

/**
 * Loads the model with these settings and keeps it busy: as many callers as fill two batches of each copy, each sending one request after
 * the other. What comes before the engine is warm does not count. Throws USAGE for a shape of no input, and what loading and computing throw.
 */
export async function measure(subject: Subject, candidate: Candidate, load: Load): Promise<Measurement> {
  const { instances, threads, maxRows } = candidate;
  const settings = { ...DEFAULT_SETTINGS, instances, threads, batch: { maxRows, windowMs: 0 } };
  const { repository, model, shapes, unwrap } = subject;
  const engine = createEngine({
    ...{ repository, unwrap, settings: () => settings, now: () => performance.timeOrigin + performance.now() },
  });
  try {
    await engine.load(model);
    const infos = engine.describe(model).inputs;
    checkShapes(
      shapes,
      infos.map(({ name }) => name),
    );
    const inputs = infos.map((info) => makeZeros(info, shapes[info.name]));
    const startedAt = load.now();
    const countsFrom = startedAt + load.seconds * 1000 * WARM_UP_SHARE;
    const until = startedAt + load.seconds * 1000;
    const times: number[] = [];
    let [ended, before] = [countsFrom, engine.statistics(model)[0]];
    const call = async (): Promise<void> => {
      while (load.now() < until && !load.signal.aborted) {
        const sentAt = load.now();
        if (sentAt < countsFrom) before = engine.statistics(model)[0];
        await engine.infer(model, undefined, inputs);
        ended = load.now();
        if (sentAt >= countsFrom) times.push(ended - sentAt);
      }
    };
    await Promise.all(Array.from({ length: 2 * maxRows * instances }, call));
    const after = engine.statistics(model)[0];
    const runs = (after?.executions ?? 0) - (before?.executions ?? 0);
    const rows = (after?.rows ?? 0) - (before?.rows ?? 0);
    const seconds = Math.max(1, ended - countsFrom) / 1000;
    return {
      ...candidate,
      rowsPerSecond: (times.length * rowsOf(inputs)) / seconds,
      ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), rowsPerRun: runs === 0 ? 0 : rows / runs },
    };
  } finally {
    await engine.close();
  }
}

function checkShapes(shapes: Subject["shapes"], inputs: readonly string[]): void {
  const unknown = Object.keys(shapes).filter((name) => !inputs.includes(name));
  if (unknown.length === 0) return;
  const mend = `name one of ${inputs.join(", ")}: --shape ${inputs[0] ?? "NAME"}=1,3,224,224`;
  throw new BulwarkError("USAGE", `--shape: the model has no input ${unknown.join(", ")}.`, mend);
}

const rowsOf = (inputs: readonly Tensor[]): number => inputs[0]?.shape[0] ?? 1;

function quantile(times: number[], share: number): number {
  times.sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
}
