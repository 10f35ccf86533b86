// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import type { ModelWorker, Ready, RunResult } from "./worker/host.ts";

/** The right to use one worker until it is given back. */
export type Lease = {
  /** Throws MODEL_FAILED when the model threw or took too long, ENGINE_LOST when its worker died. */
  run(inputs: readonly Tensor[]): Promise<RunResult>;
  /** Whether its worker takes runs still; not once one took too long. */
  isAlive(): boolean;
  release(): void;
};

/** The workers of one version. Those that die are replaced. */
export type Pool = {
  readonly ready: Ready;
  /** Why no worker is there, while a successor waits for its time; nothing while there is one. */
  readonly failure: BulwarkError | undefined;
  /** A worker that has nothing to do. */
  lease(): Lease | undefined;
  /** Gives up runs that take longer than allowed, and their workers with them. */
  sweep(now: number): void;
  /** Ends the workers, and waits a moment for those that have a run. */
  close(): Promise<void>;
};

export type PoolParts = {
  size: number;
  runLimitMs: number;
  start(): ModelWorker;
  now(): number;
  /** Called when a worker has become free, or the last has died and its successor must wait. */
  onChange(): void;
};

/** Workers that die more often than this within the time are replaced after a pause, a longer one each time. */
const DEATHS = { most: 5, withinMs: 60_000 };
const PAUSE_MS = { first: 1_000, longest: 10_000 };
const END_WAIT_MS = 2_000;

/** A few requests can kill a few workers, and are not to take the model from everybody: it always comes back. */
const pauseAfter = (deaths: number): number =>
  deaths <= DEATHS.most ? 0 : Math.min(PAUSE_MS.first * 2 ** (deaths - DEATHS.most - 1), PAUSE_MS.longest);

type Slot = { worker: ModelWorker; isFree: boolean; run?: { startedAt: number; giveUp(error: BulwarkError): void } };

/** Starts the workers and waits until all are ready. Throws MODEL_LOAD_FAILED, MODEL_FORMAT, ENGINE_LOST. */
export async function startPool({ size, runLimitMs, start, now, onChange }: PoolParts): Promise<Pool> {
  const slots: Slot[] = Array.from({ length: size }, () => ({ worker: start(), isFree: true }));
  const ends: Promise<void>[] = [];
  const endAll = async (): Promise<void> => {
    await Promise.all([...ends, ...slots.map(({ worker }) => worker.end(END_WAIT_MS))]);
  };
  const [ready] = await Promise.all(slots.map(({ worker }) => worker.ready)).catch(async (error) => {
    await endAll();
    throw error;
  });
  const deaths: number[] = [];
  const paused = new Set<Slot>();
  const closing = new AbortController();
  const isClosing = (): boolean => closing.signal.aborted;
  const findFailure = (): BulwarkError | undefined => {
    if (paused.size === 0 || slots.some(({ worker }) => worker.isAlive())) return undefined;
    const mend = "send it again a little later; look at what the requests have in common";
    return new BulwarkError("MODEL_NOT_READY", `Its workers died ${deaths.length} times within a minute`, mend);
  };

  const watch = (slot: Slot): void => {
    void slot.worker.ended.then(() => {
      if (isClosing()) return undefined;
      deaths.push(now());
      while ((deaths[0] ?? 0) < now() - DEATHS.withinMs) deaths.shift();
      return replace(slot, pauseAfter(deaths.length));
    });
  };

  const replace = async (slot: Slot, pauseMs: number): Promise<void> => {
    if (pauseMs > 0) {
      paused.add(slot);
      onChange();
      await delay(pauseMs, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
      paused.delete(slot);
      if (isClosing()) return;
    }
    slot.worker = start();
    watch(slot);
    const { worker } = slot;
    const isReady = await worker.ready.then(
      () => true,
      () => false,
    );
    // A model that cannot be loaded any more counts as another death.
    if (!isReady) await worker.end(END_WAIT_MS);
    else {
      slot.isFree = true;
      onChange();
    }
  };

  const toLease = (slot: Slot): Lease => {
    const { worker } = slot;
    slot.isFree = false;
    return {
      async run(inputs) {
        const limit = Promise.withResolvers<never>();
        slot.run = { startedAt: now(), giveUp: limit.reject };
        try {
          return await Promise.race([worker.run(inputs), limit.promise]);
        } finally {
          delete slot.run;
        }
      },
      isAlive: worker.isAlive,
      release() {
        // A worker that died meanwhile is free when its successor is ready.
        if (slot.worker === worker && worker.isAlive()) slot.isFree = true;
      },
    };
  };

  for (const slot of slots) watch(slot);
  return {
    ready: ready as Ready,
    get failure() {
      return findFailure();
    },
    lease() {
      const slot = slots.find(({ isFree, worker }) => isFree && worker.isAlive());
      return slot && toLease(slot);
    },
    sweep(at) {
      for (const { run, worker } of slots) {
        if (run === undefined || at - run.startedAt <= runLimitMs) continue;
        const message = `The model did not finish within ${runLimitMs} ms`;
        run.giveUp(new BulwarkError("MODEL_FAILED", message, "send less at once, or raise runLimitMs"));
        ends.push(worker.end(END_WAIT_MS));
      }
    },
    async close() {
      closing.abort();
      return endAll();
    },
  };
}
