// SPDX-License-Identifier: Apache-2.0
import { StringDecoder } from "node:string_decoder";
import type { JobStatus } from "@bulwark/kubernetes";
import { type LogLine, parseLogLine, runInPod } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { Cluster } from "./open.ts";
import { EVENT_LOG_FOLDER, withReaderPod } from "./reader-pod.ts";

/** Where drivers copy what they print, below the claim of event logs: a folder per release, a file per driver. */
const COPIES = `${EVENT_LOG_FOLDER}/bulwark-logs`;
/** Oldest first; a release that never got a driver has no folder. */
const PRINT_ALL = 'cd "$1" 2>/dev/null || exit 0; for file in $(ls -tr); do cat "$file"; done';

/** Whether the job keeps a copy of its drivers' logs on a claim. */
export const keepsLog = ({ planned }: JobStatus): boolean => planned.eventLogClaim !== undefined;

/**
 * Reads what the drivers of a release printed from the claim of its event logs, through a short-lived pod: for when their
 * pods are gone.
 *
 * @param from what is older is left out: a release of the same name may have been there before
 * @throws BulwarkError POD_START_FAILED, RELEASE_UNKNOWN without an image to read with
 */
export async function readKeptLog(
  context: Context,
  cluster: Cluster,
  status: JobStatus,
  from: string,
  take: (line: LogLine) => void,
): Promise<void> {
  const { eventLogClaim: claim = "" } = status.planned;
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const look = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map(parseLogLine)) if (line.time >= from) take(line);
  };
  const reading = { status, claim, folder: EVENT_LOG_FOLDER };
  await withReaderPod(context, cluster, reading, async (place) => {
    const command = ["sh", "-c", PRINT_ALL, "sh", `${COPIES}/${status.name}`];
    const { namespace, connection } = cluster;
    await runInPod(connection, { namespace, ...place, command, signal: context.signal }, async (chunk) =>
      look(decoder.write(chunk)),
    );
  });
  if (rest !== "") look("\n");
}
