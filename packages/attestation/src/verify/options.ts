// SPDX-License-Identifier: Apache-2.0
import type { VerifiedCache } from "../cache.ts";
import type { Instant } from "../instant.ts";
import type { TrustedRoots } from "../roots.ts";

/** Everything a verification decides by, beside evidence and collateral. There is no default for trust or time. */
export type VerifyOptions = {
  trustedRoots: TrustedRoots;
  now: Instant;
  /** 64 bytes that the body must carry, compared in constant time. */
  expectedReportData?: Uint8Array;
  /** Keeps what was verified, for the next call. */
  cache?: VerifiedCache;
  /**
   * Days for which a CRL, TCB info or QE identity may be used beyond its next update, 0 to 30; default 0. Never for a
   * certificate. The verdict marks each such item as stale.
   */
  collateralGraceDays?: number;
};

export type QuoteOptions = VerifyOptions & {
  /** What may follow the declared end of the quote (nobody signs it): default `any`, counted in the verdict. */
  trailingBytes?: "any" | "zero" | "none";
};
