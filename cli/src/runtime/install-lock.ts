// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

type Owner = { pid: number; startedAt: string };

const POLL_MS = 200;

/**
 * Runs `action` while holding the lock `file`; one process at a time does. A lock whose owner is gone is taken over.
 * The lock saves work and is not what keeps the result whole: everything made under it is published by rename.
 *
 * @param onWait called once with the owner's process id when another one holds it
 */
export async function withInstallLock<T>(
  file: string,
  options: { signal: AbortSignal; onWait: (pid: number) => void },
  action: () => Promise<T>,
): Promise<T> {
  const ticket = `${file}.${process.pid}-${randomBytes(6).toString("hex")}`;
  await writeFile(ticket, JSON.stringify({ pid: process.pid, startedAt: readStartTime(process.pid) }), { mode: 0o600 });
  try {
    await takeLock(file, ticket, options);
    try {
      return await action();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    await rm(ticket, { force: true });
  }
}

async function takeLock(file: string, ticket: string, options: { signal: AbortSignal; onWait: (pid: number) => void }) {
  let told = false;
  // A hard link appears with its content, so nobody ever reads a lock that is half written.
  while (!(await tryLink(ticket, file))) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const owner = parseOwner(text);
    if (owner === undefined || !isAlive(owner)) {
      await removeStale(file, `${ticket}.stale`, text);
      continue;
    }
    if (!told) options.onWait(owner.pid);
    told = true;
    await pause(POLL_MS, undefined, { signal: options.signal });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Moves a stale lock away; gives it back when another waiter had replaced it in between. */
async function removeStale(file: string, aside: string, seen: string): Promise<void> {
  try {
    await rename(file, aside);
    if ((await readFile(aside, "utf8")) !== seen) await tryLink(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text);
    return Number.isSafeInteger(owner.pid) && owner.pid > 0 && typeof owner.startedAt === "string" ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(owner: Owner): boolean {
  return readStartTime(owner.pid) === owner.startedAt;
}

/** When a process started, in the system's own terms: process ids are reused, this pair is not. Empty when it is gone. */
function readStartTime(pid: number): string {
  try {
    if (process.platform !== "linux") {
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    }
    // The name in parentheses may hold spaces; field 22 is the 20th after it (proc_pid_stat(5)).
    const [state, ...fields] = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return state === "Z" ? "" : (fields[18] ?? "");
  } catch {
    return "";
  }
}
