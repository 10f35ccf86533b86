// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { equalBytes } from "../equal.ts";
import { hasReservedTdBits, hasSgxFlag, readTdFlags, SGX_FLAG } from "../quote/attributes.ts";
import type { Quote } from "../quote/quote.ts";
import type { TrustedRoot } from "../roots.ts";

/**
 * Step L: what no policy may allow. Everything else that attributes say is in the verdict, for the policy.
 *
 * @throws TEE_DEBUG, SIMULATION_MARK_MISSING, ENCLAVE_NOT_INITIALISED, TD_ATTRIBUTES_RESERVED
 */
export function checkAttributes({ body }: Quote, { kind }: TrustedRoot): void {
  if (body.type === "sgx-enclave-report") {
    checkDebug(hasSgxFlag(body.attributes, SGX_FLAG.debug), kind);
    if (!hasSgxFlag(body.attributes, SGX_FLAG.init)) {
      throw refuse("ENCLAVE_NOT_INITIALISED", "The enclave's INIT attribute is clear.");
    }
    return;
  }
  checkDebug(readTdFlags(body.tdAttributes).debug, kind);
  if (hasReservedTdBits(body.tdAttributes)) {
    throw refuse("TD_ATTRIBUTES_RESERVED", "The trust domain has attributes that are not known here.");
  }
}

/** Debug is refused on hardware; simulated evidence must carry it, so that nobody takes it for the real thing. */
export function checkDebug(isDebug: boolean, kind: TrustedRoot["kind"]): void {
  if (kind === "simulation" && !isDebug) {
    throw refuse("SIMULATION_MARK_MISSING", "Simulated evidence does not carry the debug bit that marks it.");
  }
  if (kind !== "simulation" && isDebug) throw refuse("TEE_DEBUG", "The enclave or virtual machine runs in debug mode.");
}

/** Step N: all 64 bytes. @throws REPORT_DATA_MISMATCH */
export function checkReportData(actual: Uint8Array, expected: Uint8Array | undefined): void {
  if (expected === undefined || equalBytes(actual, expected)) return;
  throw refuse("REPORT_DATA_MISMATCH", "The report data is not what was expected.");
}

function refuse(code: ErrorCode, message: string): BulwarkError {
  return new BulwarkError(code, message, "start the workload again as production code and attest again");
}
