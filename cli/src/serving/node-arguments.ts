// SPDX-License-Identifier: Apache-2.0

/**
 * Arguments of Node for the processes of serving (bench/README.md has what each gives). `images/serving/entrypoint` has
 * the same.
 *
 * - Helper threads of V8's take the processor from those who answer; small heaps need one.
 * - Bodies and tensors lie outside V8's heap. Left alone, V8 starts a full collection for every 64 MiB of them, dead or not:
 *   with large requests each second one. Counted towards the limit that follows from what is alive, four times that, they
 *   are found dead by the small collections first.
 * - That limit ends at twice the old space's: half of what the machine or the container has, so that models have room.
 */
export const NODE_ARGUMENTS = [
  "--v8-pool-size=1",
  "--external-memory-accounted-in-global-limit",
  "--heap-growing-percent=300",
  "--max-old-space-size-percentage=25",
] as const;
