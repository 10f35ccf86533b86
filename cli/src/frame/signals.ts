// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, EXIT } from "@bulwark/contracts/errors";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal asks the command to stop, and says so; the second ends the process at once. */
export function watchSignals(process: NodeJS.Process, stop: AbortController, say: (line: string) => void): void {
  let seen = false;
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (seen) process.exit(EXIT.interrupted);
      seen = true;
      say("Stopping. Once more ends it at once.");
      stop.abort(new BulwarkError("INTERRUPTED", `The command was interrupted (${name}).`, "run it again"));
    });
  }
}

/** Nobody reads any more (`| head`, a closed terminal): the command stops, and nothing is said about it. */
export function watchReaders(process: NodeJS.Process, stop: AbortController): { isGone: () => boolean } {
  let gone = false;
  process.stdout.on("error", () => {
    gone = true;
    stop.abort(new BulwarkError("INTERRUPTED", "Nobody reads the output any more.", "run it again"));
  });
  // A terminal that is gone must not keep a command from cleaning up.
  process.stderr.on("error", () => {});
  return { isGone: () => gone };
}
