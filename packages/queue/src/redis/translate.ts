// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";

/** Redis's answers that users can meet, by how they begin; what fits none is a connection that failed. */
const ANSWERS: readonly { begins: RegExp; code: ErrorCode; message: string; mend: string }[] = [
  {
    begins: /^OOM /,
    code: "QUEUE_FULL",
    message: "Redis's memory is full.",
    mend: "try again later, fetch results, add engines, or give Redis more memory (maxmemory)",
  },
  {
    begins: /^(NOAUTH|WRONGPASS|NOPERM|DENIED)/,
    code: "QUEUE_REFUSED",
    message: "Redis refuses the user, its password or what it asks for.",
    mend: "check the user, its password file and Redis's list of users",
  },
  {
    begins: /^MISCONF/,
    code: "QUEUE_UNREACHABLE",
    message: "Redis cannot write to its disk and takes nothing in.",
    mend: "make room on the disk that holds Redis's append-only file, then look at: bulwark serving status redis",
  },
  {
    begins: /^(LOADING|BUSY |MASTERDOWN|READONLY|UNBLOCKED)/,
    code: "QUEUE_UNREACHABLE",
    message: "Redis is there, but not ready yet.",
    mend: "bulwark serving status redis",
  },
  {
    begins: /(CERT|certificate|SSL|TLS|ssl3|alert)/,
    code: "QUEUE_REFUSED",
    message: "Redis's certificate, or ours, is not accepted.",
    mend: "check that both are of the authority in the settings: bulwark keys check",
  },
];

/** The one place where an error of the client becomes ours. Bulwark's own pass unchanged. */
export function toQueueError(error: unknown): BulwarkError {
  if (error instanceof BulwarkError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const known = ANSWERS.find(({ begins }) => begins.test(said));
  if (known !== undefined) return new BulwarkError(known.code, known.message, known.mend, { cause: error });
  if (/^(ERR|WRONGTYPE|NOGROUP|BUSYGROUP) ?/.test(said)) {
    const mend = "look whether another program uses the same keys; if not, it is a bug: report it";
    return new BulwarkError("BUG", "Redis answered with an error that is not expected.", mend, { cause: error });
  }
  return new BulwarkError("QUEUE_UNREACHABLE", "Redis does not answer.", "bulwark serving status redis", {
    cause: error,
  });
}

/** Whether an error is Redis's answer that begins so. */
export function isAnswer(error: unknown, begins: string): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.startsWith(begins);
}
