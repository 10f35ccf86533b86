// SPDX-License-Identifier: Apache-2.0
import type { Collateral, PlatformClaim } from "@bulwark/attestation";

/** Which collateral is wanted: that of a kind of TEE on a family of platforms. */
export type CollateralRequest = { tee: "sgx" | "tdx"; fmspc: string; ca: "processor" | "platform" };

/** Where collateral comes from. Nothing that comes from a source has been verified; `verifyQuote` does that. */
export type CollateralSource = {
  /** For messages: an address or a path. */
  name: string;
  /**
   * All four items. Throws BulwarkError with a COLLATERAL_ code, one finding for each item that failed, and the abort
   * reason of `signal`.
   */
  fetch(request: CollateralRequest, options: { signal: AbortSignal }): Promise<Collateral>;
};

/** The request for what a quote's PCK certificate names. */
export const toRequest = (tee: "sgx" | "tdx", { fmspc, ca }: PlatformClaim): CollateralRequest => ({ tee, fmspc, ca });

/** Name of a request's bundle in a folder: `tdx-50806f000000-platform.json`. */
export const toFileName = ({ tee, fmspc, ca }: CollateralRequest): string => `${tee}-${fmspc}-${ca}.json`;
