// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import { readFileAtMost } from "./read-at-most.ts";

/** A job file larger than this is refused unread; `parseJobFile` has the same limit. */
export const LARGEST_BYTES = 1024 ** 2;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read by you",
  EISDIR: "is a folder",
};

/**
 * Reads a job file, at most one byte more than is allowed.
 *
 * @throws BulwarkError JOB_FILE_MISSING or JOB_FILE_UNREADABLE
 */
export async function readJobFile(cwd: string, file: string): Promise<Buffer> {
  try {
    return await readFileAtMost(resolve(cwd, file), LARGEST_BYTES);
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code] ?? `cannot be read (${code})`;
    const mend = "name a job file, for instance: bulwark run job.yaml";
    throw new BulwarkError(code === "EISDIR" ? "JOB_FILE_UNREADABLE" : "JOB_FILE_MISSING", `${file} ${reason}.`, mend, {
      cause,
    });
  }
}
