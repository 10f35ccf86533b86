// SPDX-License-Identifier: Apache-2.0

/** Wakes those who wait for a result, when this process hears of it before it would look again. */
export type Bell = {
  /** Resolves when the name is rung, after the time, or when the signal is aborted. */
  wait(name: string, ms: number, signal?: AbortSignal): Promise<void>;
  ring(name: string): void;
};

export function createBell(): Bell {
  const sleepers = new Map<string, Set<() => void>>();
  return {
    async wait(name, ms, signal) {
      if (signal?.aborted === true) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const own = sleepers.get(name) ?? new Set();
      sleepers.set(name, own.add(resolve));
      const timer = setTimeout(resolve, ms);
      const wake = (): void => resolve();
      signal?.addEventListener("abort", wake, { once: true });
      await promise;
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      own.delete(resolve);
      if (own.size === 0) sleepers.delete(name);
    },
    ring(name) {
      for (const wake of sleepers.get(name) ?? []) wake();
    },
  };
}
