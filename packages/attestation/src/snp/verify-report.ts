// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { SnpCollateral } from "../collateral/collateral.ts";
import type { SnpVerdict } from "../verdict.ts";
import type { VerifyOptions } from "../verify/options.ts";

/** Verifies a SEV-SNP report. */
export function verifySnpReport(_report: Uint8Array, _collateral: SnpCollateral, _options: VerifyOptions): SnpVerdict {
  throw new BulwarkError("BUG", "not there yet", "wait for the next commit");
}
