// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { freemem, totalmem } from "node:os";
import { promisify } from "node:util";
import { type Check, fail, type Outcome, ok, warn } from "./check.ts";

const TEE_DEVICES = { "/dev/sgx_enclave": "SGX", "/dev/tdx_guest": "TDX", "/dev/sev-guest": "SEV-SNP" };
/** Driver and two executors at their defaults, with room for the rest. */
const LITTLE_MEMORY_BYTES = 4_000_000_000;
/** No build of this project is older. */
const EARLIEST_NOW = Date.UTC(2026, 0, 1);

const readProc = (path: string): Promise<string> =>
  readFile(path, "latin1").then(
    (text) => text.trim(),
    () => "",
  );
const run = promisify(execFile);

/** The machine: what it protects, what it leaks, what it has. */
export const MACHINE_CHECKS: readonly Check[] = [
  { name: "tee", look: checkTee },
  { name: "swap", look: async () => judgeSwap(await readProc("/proc/swaps")) },
  { name: "core dumps", look: checkCoreDumps },
  { name: "ptrace", look: async () => judgePtrace(await readProc("/proc/sys/kernel/yama/ptrace_scope")) },
  { name: "loopback", look: checkLoopback },
  { name: "memory", look: async () => judgeMemory(totalmem(), freemem()) },
  { name: "clock", look: async ({ now }) => judgeClock(now()) },
];

async function checkTee(): Promise<Outcome> {
  const present = await Promise.all(
    Object.entries(TEE_DEVICES).map(([path, name]) =>
      stat(path).then(
        () => [`${name} (${path})`],
        () => [],
      ),
    ),
  );
  return ok(present.flat().join(", ") || "no TEE on this machine: jobs run with trust.tee none");
}

/** @param swaps `/proc/swaps`: a heading, then one line per area; memory compressed in RAM (zram) never reaches a disk */
export function judgeSwap(swaps: string): Outcome {
  const areas = swaps
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s/)[0] ?? "");
  const onDisk = areas.filter((area) => area !== "" && !area.startsWith("/dev/zram"));
  if (onDisk.length === 0) return ok("off");
  return warn(`${onDisk.join(", ")}: memory of jobs can reach the disk in plaintext`, "sudo swapoff -a");
}

async function checkCoreDumps(): Promise<Outcome> {
  // A limit of this process is what its children get; Node cannot read it, the shell can.
  const { stdout } = await run("/bin/sh", ["-c", "ulimit -c"]);
  return judgeCoreDumps(stdout.trim(), await readProc("/proc/sys/kernel/core_pattern"));
}

/** @param limit `ulimit -c`; it does not bind a pattern that is a pipe (core(5)) */
export function judgeCoreDumps(limit: string, pattern: string): Outcome {
  if (pattern.startsWith("|")) {
    const mend = "sudo sysctl kernel.core_pattern=core && ulimit -c 0";
    return warn(`a crash hands the memory of a job to ${pattern.slice(1).split(" ")[0]}`, mend);
  }
  return limit === "0" ? ok("off") : warn("a crash writes the memory of a job to disk in plaintext", "ulimit -c 0");
}

/** @param scope `ptrace_scope` of Yama; empty where the kernel lacks it */
export function judgePtrace(scope: string): Outcome {
  if (Number(scope) >= 1) return ok(`scope ${scope}: processes of one user cannot read each other's memory`);
  const mend = "sudo sysctl kernel.yama.ptrace_scope=1";
  return warn(
    "other processes of this user can read the memory of jobs",
    scope === "" ? "use a kernel with Yama" : mend,
  );
}

async function checkLoopback(): Promise<Outcome> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return ok("127.0.0.1 can be listened on");
  } catch (error) {
    return fail(`127.0.0.1 cannot be listened on: ${(error as NodeJS.ErrnoException).code}`, "sudo ip link set lo up");
  } finally {
    server.close();
  }
}

/** Sizes in bytes. */
export function judgeMemory(total: number, free: number): Outcome {
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  const detail = `${gigabytes(total)} GB, ${gigabytes(free)} GB free`;
  if (total >= LITTLE_MEMORY_BYTES) return ok(detail);
  return warn(
    `${detail}: little for a driver and two executors`,
    "set driver.memory and executor.memory in the job file",
  );
}

/** Certificates have dates: a clock that is far off makes every one of them invalid. */
export function judgeClock(now: Date): Outcome {
  if (now.getTime() >= EARLIEST_NOW) return ok(now.toISOString());
  return fail(`${now.toISOString()} is in the past`, "sudo timedatectl set-ntp true");
}
