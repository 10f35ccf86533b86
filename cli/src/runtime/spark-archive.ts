// SPDX-License-Identifier: Apache-2.0
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import type { Progress } from "../command.ts";
import type { Versions } from "../versions.ts";
import { digestFile, downloadPinned } from "./download.ts";
import { describeNetwork } from "./network.ts";
import { findLocalFile, locateFile, type PipSettings } from "./package-index.ts";
import { readPipSettings, runPython } from "./python.ts";
import type { Patience } from "./retry.ts";
import { describeHome, RECEIPT, writeReceipt } from "./spark-home.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type FetchOptions = {
  env: Environment;
  cacheDir: string;
  versions: Versions;
  progress: Progress;
  signal: AbortSignal;
  idleMs: number;
  patience: Patience;
};

/** The archive of Spark, checked; `isOurs` when we fetched it and may remove it. */
export type Archive = { path: string; isOurs: boolean };

const MEGABYTE = 1_000_000;
const UNPACK = `
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
    archive.extractall(sys.argv[2])`;

/** Folder in which a person may place the archive by hand, and in which a download grows. */
export const downloadsFolder = (cacheDir: string): string => join(cacheDir, "downloads");

/**
 * Gets the pinned archive: placed by hand, from a local folder that pip knows, or from the package index.
 *
 * @param python a Python with pip, which is asked for the settings of this machine
 */
export async function fetchSpark(python: string, options: FetchOptions): Promise<Archive> {
  const { cacheDir, versions, signal } = options;
  const { spark } = versions;
  const downloads = downloadsFolder(cacheDir);
  await mkdir(downloads, { recursive: true, mode: 0o700 });
  const settings = await readPipSettings(python, options);
  const placed =
    (await findLocalFile({ indexes: [], findLinks: [downloads] }, spark.file)) ??
    (await findLocalFile(settings, spark.file));
  if (placed !== undefined) {
    if ((await digestFile(placed, signal)) === spark.sha256) return { path: placed, isOurs: false };
    const message = `${placed} does not have the pinned digest ${spark.sha256}.`;
    throw new BulwarkError("SPARK_DOWNLOAD_DAMAGED", message, `rm ${placed}`);
  }
  const part = join(downloads, `${spark.file}.part`);
  await download(part, settings, options);
  return { path: part, isOurs: true };
}

async function download(part: string, settings: PipSettings, options: FetchOptions): Promise<void> {
  const { env, versions, signal, idleMs, patience } = options;
  const { spark } = versions;
  const network = describeNetwork({ env, ...settings, idleMs });
  const step = options.progress.step(`Downloading Spark ${spark.version}`);
  const startedAt = performance.now();
  await downloadPinned({
    part,
    pinned: spark,
    locate: () => locateFile(settings, { project: "pyspark", file: spark.file }, { network, signal }),
    network,
    patience,
    signal,
    onProgress: (received, fetched) =>
      step.update(describeProgress(received, spark.bytes, fetched, performance.now() - startedAt)),
  });
  step.done(`${Math.round(spark.bytes / MEGABYTE)} MB`);
}

/** `120 of 456 MB (26 %), 34 s left`; the rate counts only what was fetched in this call. */
export function describeProgress(received: number, total: number, fetched: number, elapsedMs: number): string {
  const megabytes = (bytes: number) => Math.round(bytes / MEGABYTE);
  const there = `${megabytes(received)} of ${megabytes(total)} MB (${Math.floor((100 * received) / total)} %)`;
  const secondsLeft = Math.ceil(((total - received) * elapsedMs) / Math.max(fetched, 1) / 1000);
  return elapsedMs < 1000 ? there : `${there}, ${secondsLeft} s left`;
}

/**
 * Unpacks the archive into `folder` and lays it out as pip would: its set-up only moves files, so no build is needed.
 *
 * @throws SPARK_INSTALL_FAILED
 */
export async function unpackSpark(
  archive: string,
  folder: string,
  python: string,
  call: { env: Environment; signal: AbortSignal; versions: Versions },
): Promise<void> {
  const { spark } = call.versions;
  const raw = `${folder}.raw`;
  await mkdir(raw, { mode: 0o700 });
  await runPython(python, ["-c", UNPACK, archive, raw], call).catch((cause) => {
    if (call.signal.aborted || /No space left|Disk quota/.test(cause.stderr ?? "")) throw cause;
    throw new BulwarkError("SPARK_INSTALL_FAILED", `${archive} could not be unpacked.`, `rm ${archive}`, { cause });
  });
  const source = join(raw, spark.file.replace(/\.tar\.gz$/, ""));
  const home = join(folder, "pyspark");
  await mkdir(folder, { mode: 0o700 });
  await rename(join(source, "pyspark"), home);
  for (const name of ["jars", "bin", "sbin", "data", "licenses"])
    await rename(join(source, "deps", name), join(home, name));
  await mkdir(join(home, "python"), { recursive: true });
  await rename(join(source, "lib"), join(home, "python/lib"));
  await mkdir(join(home, "examples/src/main"), { recursive: true });
  await rename(join(source, "deps/examples"), join(home, "examples/src/main/python"));
  await rm(raw, { recursive: true });
  const unpacked = await describeHome(home, "installed");
  if (unpacked?.version !== spark.version) {
    const message = `What was unpacked is Spark ${unpacked?.version ?? "of no version"}, not ${spark.version}.`;
    throw new BulwarkError("SPARK_INSTALL_FAILED", message, "Report this: the pinned digest and version disagree.");
  }
  await writeFile(join(folder, RECEIPT), await writeReceipt(unpacked));
}
