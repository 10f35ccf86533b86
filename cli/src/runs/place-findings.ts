// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, byPosition, type PlaceFinding } from "@bulwark/contracts";

/** The same error, its findings with their places in the job file that they are about, in the order of the file. */
export function placeFindings(error: unknown, place: PlaceFinding): unknown {
  if (!(error instanceof BulwarkError) || error.findings.length === 0) return error;
  const { code, message, mend, cause } = error;
  return new BulwarkError(code, message, mend, { cause, findings: error.findings.map(place).toSorted(byPosition) });
}
