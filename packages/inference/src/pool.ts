// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import type { ModelWorker, Ready, RunResult } from "./worker/host.ts";

/** The right to use one worker until it is given back. */
export type Lease = {
  /** Throws MODEL_FAILED when the model threw or took too long, ENGINE_LOST when its worker died. */
  run(inputs: readonly Tensor[]): Promise<RunResult>;
  release(): void;
};

/** The workers of one version. Those that die are replaced. */
export type Pool = {
  readonly ready: Ready;
  /** Why there are no workers any more; nothing while there are. */
  readonly failure: BulwarkError | undefined;
  /** A worker that has nothing to do. */
  lease(): Lease | undefined;
  /** Gives up runs that take longer than allowed, and their workers with them. */
  sweep(now: number): void;
  /** Ends the workers. `isStuck` when one has a run that does not end. */
  close(): Promise<{ isStuck: boolean }>;
};

export type PoolParts = {
  size: number;
  runLimitMs: number;
  start(): ModelWorker;
  now(): number;
  /** Called when a worker has become free, or none will any more. */
  onChange(): void;
};

/** Workers that die more often than this within the time are not replaced any more. */
const DEATHS = { most: 5, withinMs: 60_000 };
const END_WAIT_MS = 2_000;

type Slot = { worker: ModelWorker; isFree: boolean; run?: { startedAt: number; giveUp(error: BulwarkError): void } };

/** Starts the workers and waits until all are ready. Throws MODEL_LOAD_FAILED, MODEL_FORMAT, ENGINE_LOST. */
export async function startPool({ size, runLimitMs, start, now, onChange }: PoolParts): Promise<Pool> {
  const slots: Slot[] = Array.from({ length: size }, () => ({ worker: start(), isFree: true }));
  const ends: Promise<{ isStuck: boolean }>[] = [];
  const endAll = async (): Promise<{ isStuck: boolean }> => {
    const all = await Promise.all([...ends, ...slots.map(({ worker }) => worker.end(END_WAIT_MS))]);
    return { isStuck: all.some(({ isStuck }) => isStuck) };
  };
  const [ready] = await Promise.all(slots.map(({ worker }) => worker.ready)).catch(async (error) => {
    await endAll();
    throw error;
  });
  const deaths: number[] = [];
  let failure: BulwarkError | undefined;
  let isClosing = false;

  const watch = (slot: Slot): void => {
    void slot.worker.ended.then(() => {
      if (isClosing || failure !== undefined) return;
      deaths.push(now());
      while ((deaths[0] ?? 0) < now() - DEATHS.withinMs) deaths.shift();
      if (deaths.length <= DEATHS.most) return replace(slot);
      const mend = "look at what the requests have in common, then load the model again";
      failure = new BulwarkError("MODEL_NOT_READY", `Its workers died ${deaths.length} times within a minute`, mend);
      onChange();
      return undefined;
    });
  };

  const replace = async (slot: Slot): Promise<void> => {
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
      return failure;
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
      isClosing = true;
      return endAll();
    },
  };
}
