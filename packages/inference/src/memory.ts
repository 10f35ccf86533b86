// SPDX-License-Identifier: Apache-2.0

/** What models and their runs may take of the memory there is; the rest is for the system and for all that is no model. */
const SHARE = 0.75;

/**
 * Bytes that each process with models may use where nobody said otherwise: its part of three quarters of the memory.
 *
 * @param containerBytes limit of the container, as `process.constrainedMemory()` gives it: 0, or more than any machine has,
 *   where there is none
 * @param processes how many share the memory
 */
export function shareMemory(
  { machineBytes, containerBytes }: { machineBytes: number; containerBytes: number },
  processes = 1,
): number {
  const there = containerBytes > 0 ? Math.min(machineBytes, containerBytes) : machineBytes;
  return Math.floor((there * SHARE) / processes);
}
