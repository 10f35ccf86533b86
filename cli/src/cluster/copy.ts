// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join, posix, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { JobStatus } from "@bulwark/kubernetes";
import { runInPod } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { Cluster } from "./open.ts";
import { type Place, withReaderPod } from "./reader-pod.ts";

/** Where a job's claim is in its pods. */
const DATA_FOLDER = "/data";

export type Copied = { from: string; to: string; bytes: number };

/** A claim, and the folder at which it is mounted. */
export type Source = { claim: string; folder: string };

/**
 * Copies a file or folder of the job's claim to this machine: through the driver while it runs, otherwise through a
 * short-lived pod. It comes under a temporary name and is renamed when it is whole.
 *
 * @throws BulwarkError USAGE, OUTPUT_EXISTS, DATA_MISSING, POD_START_FAILED
 */
export async function copyOut(
  context: Context,
  cluster: Cluster,
  status: JobStatus,
  request: { path: string; to: string | undefined; source?: Source },
): Promise<Copied> {
  const { claim, folder } = request.source ?? claimOf(status);
  const path = parsePath(request.path, folder);
  const to = resolve(context.cwd, request.to ?? (basename(path) || "data"));
  if ((await lstat(to).catch(() => undefined)) !== undefined) {
    throw new BulwarkError(
      "OUTPUT_EXISTS",
      `${to} exists already.`,
      `name another place: bulwark copy ${status.name} ${request.path} OTHER`,
    );
  }
  const fetch = (place: Place): Promise<number> => receive(context, cluster, place, { path, folder, to });
  const { driver } = status;
  if (driver?.state === "running" && request.source === undefined) {
    return { from: path, to, bytes: await fetch({ pod: driver.pod, container: "spark-driver" }) };
  }
  return { from: path, to, bytes: await withReaderPod(context, cluster, { status, claim, folder }, fetch) };
}

function claimOf({ name, planned }: JobStatus): Source {
  if (planned.pvc !== undefined) return { claim: planned.pvc, folder: DATA_FOLDER };
  throw new BulwarkError(
    "OBJECT_MISSING",
    `${name} has no claim (pvc), so nothing of it stays.`,
    "name a claim in the job file: pvc",
  );
}

/** Relative paths count from the claim; nothing outside it is asked for. */
function parsePath(path: string, folder: string): string {
  const whole = posix
    .normalize(posix.join(folder, path.startsWith(`${folder}/`) ? path.slice(folder.length) : path))
    .replace(/\/$/, "");
  if (whole === folder || whole.startsWith(`${folder}/`)) return whole;
  throw new BulwarkError(
    "USAGE",
    `${path} leads out of the claim.`,
    "give a path below it, for instance: results/report.parquet",
  );
}

/** Copies a folder of a pod, or what is below it, to a place of this machine that is not there yet. */
export async function receive(
  context: Context,
  { connection, namespace }: Cluster,
  place: Place,
  { path, folder, to }: { path: string; folder: string; to: string },
): Promise<number> {
  const temporary = await mkdtemp(join(dirname(to), ".bulwark-copy-")).catch((cause) => {
    throw new BulwarkError("USAGE", `${dirname(to)} cannot be written.`, `ls -ld ${dirname(to)}`, { cause });
  });
  const step = context.progress.step(`copying ${path}`);
  const name = basename(path);
  let bytes = 0;
  try {
    // No owners and modes of others; tar refuses names that lead out of the folder.
    const unpack = spawn("tar", ["-xf", "-", "-C", temporary, "--no-same-owner", "--no-same-permissions"], {
      stdio: ["pipe", "ignore", "pipe"],
    });
    const complaints: Buffer[] = [];
    unpack.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
    unpack.stdin.on("error", () => undefined);
    const ended = once(unpack, "close") as Promise<[number | null]>;
    const command = ["tar", "-cf", "-", "-C", path === folder ? folder : dirname(path), path === folder ? "." : name];
    const { exitCode, errors } = await runInPod(
      connection,
      { namespace, ...place, command, signal: context.signal },
      async (chunk) => {
        bytes += chunk.length;
        step.update(`${(bytes / 1e6).toFixed(1)} MB`);
        if (!unpack.stdin.write(chunk)) await Promise.race([once(unpack.stdin, "drain"), ended]);
      },
    );
    unpack.stdin.end();
    const [code] = await ended;
    if (exitCode !== 0) throw noData(path, errors);
    if (code !== 0)
      throw new BulwarkError(
        "DISK_FULL",
        `What came cannot be written: ${Buffer.concat(complaints).toString("utf8").trim().slice(0, 200)}.`,
        "df -h",
      );
    await rename(path === folder ? temporary : join(temporary, name), to);
    return bytes;
  } finally {
    step.done();
    await rm(temporary, { recursive: true, force: true });
  }
}

function noData(path: string, errors: string): BulwarkError {
  const said = errors.trim().split("\n")[0]?.slice(0, 200) ?? "";
  const isMissing = /No such file|Cannot stat/i.test(said);
  return new BulwarkError(
    "DATA_MISSING",
    isMissing ? `There is no ${path} on the claim.` : `${path} cannot be read: ${said}.`,
    "correct the path; it counts from the root of the claim",
  );
}
