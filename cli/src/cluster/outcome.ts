// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { type JobStatus, REASON_ERRORS, type Reason } from "@bulwark/kubernetes";

/** A mend with the job's own name in it. */
export const fillMend = (mend: string, { name, namespace }: Pick<JobStatus, "name" | "namespace">): string =>
  mend
    .replaceAll("bulwark events NAME", `bulwark events ${name} -n ${namespace}`)
    .replace(/(bulwark (?:logs|status) )NAME/g, `$1${name} -n ${namespace}`);

/** How an ended job is told: nothing for success, otherwise the error that sets the exit code. */
export function toFailure(status: JobStatus): BulwarkError | undefined {
  if (status.state === "succeeded") return undefined;
  const { reason } = status;
  if (reason === undefined) {
    return new BulwarkError("JOB_FAILED", `${status.name} failed.`, fillMend("bulwark logs NAME", status));
  }
  return toReasonError(reason, status);
}

/** A reason as the error a command ends with. */
export function toReasonError(reason: Reason, status: JobStatus): BulwarkError {
  const words = reason.words.slice(0, 1).toUpperCase() + reason.words.slice(1);
  return new BulwarkError(
    REASON_ERRORS[reason.kind],
    `${words}${/[.!?]$/.test(words) ? "" : "."}`,
    fillMend(reason.mend, status),
    { findings: toFindings(reason, status) },
  );
}

/** Where a reason is about a value of the job file, that value as a finding. */
function toFindings({ kind, path, words, mend }: Reason, status: JobStatus): Finding[] {
  return path === undefined ? [] : [{ code: REASON_ERRORS[kind], path, message: words, mend: fillMend(mend, status) }];
}

/** The end of patience: what was waited for, and why it did not come. */
export function toTimeOut(status: JobStatus | undefined, name: string, limit: string): BulwarkError {
  const reason = status?.reason;
  const where = status === undefined ? "nothing of it was seen" : `it is ${status.state}`;
  const message = `${name} was not done after ${limit}: ${reason?.words ?? where}.`;
  const mend =
    reason === undefined || status === undefined
      ? `it goes on: bulwark status ${name}`
      : `${fillMend(reason.mend, status)}; take it away: bulwark delete ${name} -n ${status.namespace}`;
  const code = reason?.kind === "unschedulable" ? "POD_UNSCHEDULABLE" : "TIMED_OUT";
  const findings = reason === undefined || status === undefined ? [] : toFindings(reason, status);
  return new BulwarkError(code, message, mend, { findings });
}
