// SPDX-License-Identifier: Apache-2.0
import { access, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BulwarkError, type Finding } from "@bulwark/contracts";
import type { PlannedDataset } from "@bulwark/spark";

/**
 * Checks before anything starts that inputs are there and that no output would be overwritten unasked.
 *
 * @throws BulwarkError DATA_MISSING or OUTPUT_EXISTS, with a finding for each dataset
 */
export async function checkDatasets(datasets: readonly PlannedDataset[]): Promise<void> {
  const findings: Finding[] = [];
  for (const dataset of datasets) {
    const exists = await isThere(dataset.path);
    const path = `data.${dataset.name}`;
    if (dataset.mode === "read" && !exists) {
      const message = `${dataset.path} does not exist`;
      findings.push({
        code: "DATA_MISSING",
        message,
        mend: "correct the path, or make it: bulwark data encrypt IN OUT --key NAME",
        path,
      });
    }
    if (dataset.mode === "write" && exists && !dataset.overwrite) {
      const message = `${dataset.path} exists already`;
      findings.push({
        code: "OUTPUT_EXISTS",
        message,
        mend: `remove it, or set data.${dataset.name}.overwrite: true`,
        path,
      });
    }
  }
  const first = findings[0];
  if (first !== undefined) throw new BulwarkError(first.code, first.message, first.mend, { findings });
}

const FORMER = ".bulwark-former-";

/** Makes the folders in which outputs will be staged, and mends what a crash between two renames left. */
export async function prepareOutputs(datasets: readonly PlannedDataset[]): Promise<void> {
  for (const { staging, path } of datasets) {
    if (staging === undefined) continue;
    await mkdir(dirname(staging), { recursive: true });
    const former = formerPath(path);
    if (!(await isThere(former))) continue;
    if (await isThere(path)) await rm(former, { recursive: true });
    else await rename(former, path);
  }
}

/**
 * Puts finished outputs in their places, each by one rename; what was there before is removed after it.
 *
 * @throws BulwarkError OUTPUT_EXISTS, with nothing published, when data came up meanwhile where it may not be replaced
 */
export async function publishOutputs(datasets: readonly PlannedDataset[]): Promise<void> {
  const finished: { staging: string; path: string; replaces: boolean }[] = [];
  for (const { staging, path, overwrite } of datasets) {
    if (staging === undefined || !(await isThere(staging))) continue;
    const replaces = await isThere(path);
    if (replaces && !overwrite) {
      const message = `${path} came into being while the job ran; nothing was published.`;
      throw new BulwarkError("OUTPUT_EXISTS", message, "remove it, and run the job again");
    }
    finished.push({ staging, path, replaces });
  }
  for (const { staging, path, replaces } of finished) {
    const former = formerPath(path);
    if (replaces) await rename(path, former);
    await rename(staging, path);
    if (replaces) await rm(former, { recursive: true, force: true });
  }
}

/** Where what was there before waits until the new data is in its place. */
function formerPath(path: string): string {
  return join(dirname(path), `${FORMER}${basename(path)}`);
}

/** Removes what a job left in staging. */
export async function discardOutputs(datasets: readonly PlannedDataset[]): Promise<void> {
  for (const { staging } of datasets) {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
