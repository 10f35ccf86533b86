// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import type { Versions } from "../versions.ts";
import { diskFull } from "./cache-folder.ts";
import { downloadsFolder } from "./spark-archive.ts";

type Situation = { cacheDir: string; versions: Versions; signal: AbortSignal };

/** Wraps what went wrong in an installation, once, at its edge: the file system's codes and the network's. */
export function translateFailure(error: unknown, situation: Situation): BulwarkError {
  const { cacheDir, versions, signal } = situation;
  if (signal.aborted) {
    const mend = "Run it again: what was downloaded is kept.";
    return new BulwarkError("INTERRUPTED", "The installation was interrupted.", mend, { cause: error });
  }
  if (error instanceof BulwarkError) return error;
  const { code = "", message, stderr = "" } = error as NodeJS.ErrnoException & { stderr?: string };
  if (code === "ENOSPC" || code === "EDQUOT" || /No space left|Disk quota/.test(stderr)) {
    return diskFull(cacheDir, versions.spark.bytes + versions.spark.installedBytes, 0);
  }
  if (["EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST"].includes(code)) {
    const mend = `chmod u+rwx ${cacheDir} (or: bulwark config set cacheDir FOLDER)`;
    return new BulwarkError("CACHE_UNWRITABLE", `The cache folder ${cacheDir} cannot be written: ${code}.`, mend, {
      cause: error,
    });
  }
  const place = join(downloadsFolder(cacheDir), versions.spark.file);
  const mend =
    "Check the network (HTTPS_PROXY, pip's settings) and run it again: what was downloaded is kept. " +
    `Without a network: set SPARK_HOME to a Spark 4, or place the file ${place}`;
  return new BulwarkError("SPARK_DOWNLOAD_FAILED", `Spark could not be fetched: ${message}`, mend, { cause: error });
}
