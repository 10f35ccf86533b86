// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { AttestationResult } from "./result.ts";

/**
 * Lets an accepted result pass, and nothing else: for callers that act on it.
 *
 * @throws BulwarkError APPRAISAL_REFUSED, with every reason as a finding
 */
export function enforce(result: AttestationResult): AttestationResult & { outcome: "accepted" } {
  if (result.outcome === "accepted") return { ...result, outcome: "accepted" };
  const [first] = result.findings;
  throw new BulwarkError(
    "APPRAISAL_REFUSED",
    `policy "${result.policy.name}" refuses this evidence: ${result.decision}`,
    first?.mend ?? "bulwark policy explain",
    { findings: result.findings },
  );
}
