// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { open, readdir, readFile, readlink, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { kill, pid } from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { LOCK } from "./layout.ts";

const ATTEMPTS = 60;
const RETRY_MS = 100;

/** Who holds a folder: its process, and the file that says so. */
export type Holder = { pid: string; file: string };

export type LockOptions = {
  /** How often the folder is tried, each 0.1 s. */
  attempts?: number;
  /** What is thrown when somebody else still holds it then; KEYS_LOCKED when absent. */
  refuse?: (holder: Holder) => BulwarkError;
};

/**
 * Runs `work` while no other process on this machine changes the same folder.
 * Every contender announces itself in a file of its own name, then looks for others: of two at once, the one who
 * announced later sees the other, so never both go ahead. A file whose process is gone can be removed by anyone,
 * because its name is never used again. Waits some seconds for a running change, then refuses.
 */
export async function withLock<T>(folder: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const release = await acquire(folder, options);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Names of lock files in a folder whose process is gone. */
export async function findStaleLocks(folder: string): Promise<string[]> {
  const here = await describePlace();
  const names = (await readdir(folder)).filter((name) => name.startsWith(LOCK));
  const alive = await Promise.all(names.map((name) => isHolderAlive(name, here)));
  return names.filter((_, position) => !alive[position]);
}

async function acquire(
  folder: string,
  { attempts = ATTEMPTS, refuse = refuseKeys }: LockOptions,
): Promise<() => Promise<void>> {
  const own = await makeName();
  const path = join(folder, own);
  const release = () => rm(path, { force: true });
  let holder = "";
  for (let attempt = 0; attempt < attempts; attempt++) {
    await (await open(path, "wx", 0o600)).close();
    const stale = await findStaleLocks(folder);
    await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })));
    const others = (await readdir(folder)).filter((name) => name.startsWith(LOCK) && name !== own);
    if (others.length === 0) return release;
    holder = others[0] ?? "";
    await release();
    // Uneven waits, so that two who met do not meet again at once.
    await delay(RETRY_MS / 2 + Math.random() * RETRY_MS);
  }
  throw refuse({ pid: holder.slice(LOCK.length).split("_")[0] ?? "", file: join(folder, holder) });
}

function refuseKeys({ pid, file }: Holder): BulwarkError {
  return new BulwarkError(
    "KEYS_LOCKED",
    `Another process (${pid}) is changing the keys in ${dirname(file)}`,
    `wait for it and try again; if no such process exists: rm ${file}`,
  );
}

/** Where process ids have their meaning: this boot of this kernel, this process namespace. Empty without /proc. */
type Place = { boot: string; namespace: string };

async function describePlace(): Promise<Place> {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return { boot: boot.slice(0, 8), namespace: namespace.replace(/\D/g, "") };
}

async function makeName(): Promise<string> {
  const { boot, namespace } = await describePlace();
  return `${LOCK}${pid}_${await readStartTime(pid)}_${boot}_${namespace}_${randomBytes(4).toString("hex")}`;
}

async function isHolderAlive(name: string, here: Place): Promise<boolean> {
  const [holder = "", startTime, boot, namespace] = name.slice(LOCK.length).split("_");
  if (boot !== here.boot) return false;
  // A process of another container cannot be seen from here: taken for alive, and a person decides.
  if (namespace !== here.namespace) return true;
  return isRunning(Number(holder)) && (await readStartTime(Number(holder))) === startTime;
}

function isRunning(holder: number): boolean {
  if (!Number.isSafeInteger(holder) || holder <= 0) return false;
  try {
    return kill(holder, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), which tells a reused id from the old one. */
async function readStartTime(holder: number): Promise<string> {
  const stat = await readFile(`/proc/${holder}/stat`, "utf8").catch(() => "");
  // The second field is the program's name in parentheses and may hold spaces.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
