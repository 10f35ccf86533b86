// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import { checkInputs, checkOutputs } from "./check-inputs.ts";
import type { InferOptions, ModelSignature, VersionStatistics } from "./engine.ts";
import { type Lease, startPool } from "./pool.ts";
import { copyTensors, joinRows, splitRows } from "./rows.ts";
import type { ModelSettings } from "./settings.ts";
import { type Computed, createLine, findRefusal, type Waiting } from "./waiting.ts";
import type { ModelWorker } from "./worker/host.ts";

/** One version of a model with its workers: requests in, each with its own rows out. */
export type LoadedVersion = {
  readonly signature: ModelSignature;
  /** Rows of one run at most, of several requests together; 1 where none share a run. */
  readonly maxRows: number;
  /** Why it serves no more; nothing while it does. */
  readonly failure: BulwarkError | undefined;
  infer(inputs: readonly Tensor[], options: InferOptions): Promise<Computed>;
  statistics(): Omit<VersionStatistics, "model" | "version">;
  /** Takes no more requests, computes those that wait, ends the workers. */
  close(): Promise<void>;
};

export type VersionParts = {
  settings: ModelSettings;
  /** Starts one worker; called again when one died. */
  start(): ModelWorker;
  now(): number;
};

/** How often deadlines and runs that take too long are looked at. */
const SWEEP_MS = 25;

/** Starts the workers and waits until all are ready. Throws MODEL_LOAD_FAILED, MODEL_FORMAT, ENGINE_LOST. */
export async function startVersion({ settings, start, now }: VersionParts): Promise<LoadedVersion> {
  const line = createLine();
  const running = new Set<readonly Waiting[]>();
  const counts = createCounts();
  let isClosing = false;
  let lastAlone = 0;
  let isScheduled = false;
  let window: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;

  /** Once per turn of the event loop, so that requests which arrived in one turn share a run. */
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      dispatch();
    });
  };

  const pool = await startPool({
    size: settings.instances,
    runLimitMs: settings.runLimitMs,
    start,
    now,
    onChange: schedule,
  });
  const { signature, isRowwise } = pool.ready;
  const isBatched = isRowwise && settings.batch.maxRows > 1;
  const maxRows = isBatched ? settings.batch.maxRows : 1;

  const dispatch = (): void => {
    if (pool.failure !== undefined) line.refuseAll(pool.failure);
    while (line.length > 0 && !mustWait()) {
      const lease = pool.lease();
      if (lease === undefined) break;
      void serve(lease, takeLive());
    }
    if (line.length === 0 && running.size === 0) onIdle?.();
  };

  /** The next batch, without those that nobody waits for any more. */
  const takeLive = (): readonly Waiting[] => {
    const at = now();
    return line.take(maxRows).filter((waiting) => {
      const refusal = findRefusal(waiting, at);
      if (refusal !== undefined) waiting.reject(refusal);
      return refusal === undefined;
    });
  };

  /** Whether the next run should wait for more rows; it is then looked at again when the window ends. */
  const mustWait = (): boolean => {
    const { windowMs } = settings.batch;
    if (!isBatched || windowMs === 0 || isClosing || line.countRows(maxRows) >= maxRows) return false;
    const left = (line.firstArrival() ?? 0) + windowMs - now();
    if (left <= 0) return false;
    window ??= setTimeout(() => {
      window = undefined;
      dispatch();
    }, left);
    return true;
  };

  const serve = async (lease: Lease, batch: readonly Waiting[]): Promise<void> => {
    running.add(batch);
    try {
      if (batch.length > 0) await run(lease, batch);
    } catch (error) {
      const isSharedFault = error instanceof BulwarkError && error.code === "MODEL_FAILED" && batch.length > 1;
      if (isSharedFault) await tryEach(lease, batch);
      else for (const waiting of batch) waiting.reject(error);
    } finally {
      running.delete(batch);
      lease.release();
      schedule();
    }
  };

  /** One request must not fail the others of its batch, so each is tried alone. */
  const tryEach = async (lease: Lease, batch: readonly Waiting[]): Promise<void> => {
    for (const waiting of batch) {
      if (lease.isAlive()) await run(lease, [waiting]).catch(waiting.reject);
      // The run took too long, and its worker with it: a successor takes them, each in a run of its own.
      else line.add({ ...waiting, key: `alone ${lastAlone++}`, isSuspect: true });
    }
  };

  const run = async (lease: Lease, batch: readonly Waiting[]): Promise<void> => {
    const startedAt = now();
    const inputs = batch.map((waiting) => waiting.inputs);
    const result = await lease.run(isBatched ? joinRows(inputs) : inputs.flatMap(copyTensors));
    const rows = batch.map((waiting) => waiting.rows);
    const parts = isBatched ? splitRows(result.outputs, rows) : [result.outputs];
    if (parts === undefined) {
      throw new BulwarkError("MODEL_FAILED", "The model gave fewer rows than it got", "set batch.maxRows: 1 for it");
    }
    const { computeUs } = result;
    counts.add(batch, { startedAt, endedAt: now(), computeUs });
    for (const [at, waiting] of batch.entries()) {
      const run = { computeUs, rows: waiting.rows, requests: batch.length };
      waiting.resolve({ outputs: parts[at] ?? [], run });
    }
  };

  const sweep = setInterval(() => {
    const at = now();
    line.sweep(at);
    pool.sweep(at);
    for (const batch of running) rejectLate(batch, at);
  }, SWEEP_MS);
  sweep.unref();

  const admit = (inputs: readonly Tensor[], options: InferOptions): Omit<Waiting, "resolve" | "reject"> => {
    if (pool.failure !== undefined) throw pool.failure;
    if (isClosing) throw new BulwarkError("MODEL_NOT_READY", "The model is being unloaded", "ask again later");
    if (line.length >= settings.maxWaiting) {
      throw new BulwarkError("ENGINE_BUSY", `${line.length} requests wait already`, "send it again a little later");
    }
    checkOutputs(options.outputs, signature);
    const checked = checkInputs(inputs, signature, { isBatched, nonFinite: settings.nonFinite });
    const arrivedAt = now();
    const refusal = findRefusal({ options }, arrivedAt);
    if (refusal !== undefined) throw refusal;
    return { ...checked, options, arrivedAt };
  };

  return {
    signature,
    maxRows,
    get failure() {
      return pool.failure;
    },
    async infer(inputs, options) {
      const answer = Promise.withResolvers<Computed>();
      try {
        line.add({ ...admit(inputs, options), resolve: answer.resolve, reject: answer.reject });
        schedule();
        const computed = await answer.promise;
        if (options.outputs === undefined) return computed;
        const outputs = options.outputs.flatMap((name) => computed.outputs.filter((output) => output.name === name));
        return { ...computed, outputs };
      } catch (error) {
        counts.fail();
        throw error;
      }
    },
    statistics: () => ({
      ...counts.read(),
      pending: line.length + [...running].reduce((sum, batch) => sum + batch.length, 0),
    }),
    async close() {
      isClosing = true;
      clearTimeout(window);
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        schedule();
      });
      clearInterval(sweep);
      return pool.close();
    },
  };
}

/** A caller whose deadline passes during the run is told so at once, unless he waits; the answer that comes later is dropped. */
function rejectLate(batch: readonly Waiting[], at: number): void {
  for (const waiting of batch) {
    const refusal = findRefusal(waiting, at);
    const isAwaited = waiting.options.awaitsRun === true && refusal?.code === "SERVING_DEADLINE";
    if (refusal !== undefined && !isAwaited) waiting.reject(refusal);
  }
}

type Counts = Omit<VersionStatistics, "model" | "version" | "pending">;
type RunTimes = { startedAt: number; endedAt: number; computeUs: number };

function createCounts(): {
  add(batch: readonly Waiting[], times: RunTimes): void;
  fail(): void;
  read(): Counts;
} {
  let [lastInference, requests, failures, rows, executions] = [0, 0, 0, 0, 0];
  let [totalUs, queueUs, computeUs] = [0, 0, 0];
  return {
    add(batch, times) {
      lastInference = times.endedAt;
      executions++;
      for (const waiting of batch) {
        requests++;
        rows += waiting.rows;
        queueUs += Math.round((times.startedAt - waiting.arrivedAt) * 1000);
        totalUs += Math.round((times.endedAt - waiting.arrivedAt) * 1000);
        computeUs += times.computeUs;
      }
    },
    fail: () => void failures++,
    read: () => ({ lastInference, requests, failures, rows, executions, totalUs, queueUs, computeUs }),
  };
}
