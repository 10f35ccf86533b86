// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import { IMAGE_CACHE } from "./folders.ts";

/** Where progress goes. */
export type Say = (line: string) => void;

/** buildah with storage of its own, so that no image of the user's is touched. */
export function buildah(...args: string[]): Promise<string> {
  const storage = [
    ...["--root", join(IMAGE_CACHE, "storage"), "--runroot", join(IMAGE_CACHE, "storage-run")],
    ...["--storage-driver", "overlay"],
  ];
  return runProgram("buildah", [...storage, ...args]);
}

/** A step with a line at its beginning and one at its end. */
export async function step<T>(say: Say, name: string, work: () => Promise<T>): Promise<T> {
  say(`${name} ...`);
  const startedAt = Date.now();
  const result = await work();
  say(`${name} ... done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return result;
}
