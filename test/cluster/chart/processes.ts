// SPDX-License-Identifier: Apache-2.0
// Processes of pods, as the node's owner sees them: pods share the kernel of the tests.
import { readdirSync, readFileSync } from "node:fs";

/** What the kernel tells of a process; empty when it is gone. */
export function readProcess(pid: number, file: "cmdline" | "environ" | "comm"): Buffer {
  try {
    return readFileSync(`/proc/${pid}/${file}`);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Every process there is. */
export const listProcesses = (): number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** The JVM of a pod of a job, by the name that the chart gives to its environment; undefined when there is none. */
export function findJvm(pod: string): number | undefined {
  const mark = Buffer.from(`\0BULWARK_POD_NAME=${pod}\0`);
  return listProcesses().find(
    (pid) => readProcess(pid, "comm").toString().trim() === "java" && readProcess(pid, "environ").includes(mark),
  );
}

/** Ends the JVM of a pod as `kill -9` does; false when there was none. */
export function killJvm(pod: string): boolean {
  const pid = findJvm(pod);
  if (pid === undefined) return false;
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
