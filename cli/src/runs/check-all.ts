// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/**
 * Waits for checks that know nothing of each other, so that all they find is told at once.
 *
 * @throws BulwarkError that of the only check that failed as it is; of several one, with the first code and the findings of all
 */
export async function checkAll<const Checks extends readonly Promise<unknown>[]>(...checks: Checks) {
  const ends = await Promise.allSettled(checks);
  const errors = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
  const [first, ...more] = errors;
  const foreign = errors.find((error) => !(error instanceof BulwarkError));
  if (more.length === 0 || foreign !== undefined) {
    if (errors.length > 0) throw foreign ?? first;
    return Promise.all(checks);
  }
  const ours = errors as BulwarkError[];
  const findings = ours.flatMap(({ code, message, mend, findings: found }) =>
    found.length > 0 ? found : [{ code, message, mend }],
  );
  const message = `${ours.map((error) => error.message.replace(/\.$/, "")).join("; ")}.`;
  throw new BulwarkError((first as BulwarkError).code, message, "correct what is listed above", {
    cause: ours,
    findings,
  });
}
