// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { type Recall, VerifiedCache } from "../cache.ts";
import { formatInstant, type Instant, toInstant } from "../instant.ts";
import { checkTrustedRoots, type TrustedRoots } from "../roots.ts";
import type { CollateralItem, CollateralRecord } from "../verdict.ts";
import { formatWindow, intersect, type Window } from "../window.ts";
import type { VerifyOptions } from "./options.ts";

const REPORT_DATA_BYTES = 64;
const LONGEST_GRACE_DAYS = 30;
const DAY_MILLISECONDS = 86_400_000;

/** An item that was relied on: what it is, when it holds, and the code for when it does not. */
export type Reliance = {
  item: CollateralItem;
  fingerprint: string;
  window: Window;
  code: ErrorCode;
  /** Whether the caller's grace applies: to what is fetched again and again, never to certificates. */
  mayBeStale: boolean;
};

/** One verification: what it decides by, and what it has relied on so far. */
export class Context {
  readonly now: Instant;
  readonly roots: TrustedRoots;
  readonly recall: Recall;
  readonly expectedReportData: Uint8Array | undefined;
  readonly #grace: number;
  readonly #reliances: Reliance[] = [];

  /**
   * Step A: checks what the caller gave.
   *
   * @throws INSTANT_INVALID, TRUSTED_ROOTS_INVALID, VERIFY_OPTION_INVALID
   */
  constructor({ now, trustedRoots, cache, expectedReportData, collateralGraceDays = 0 }: VerifyOptions) {
    this.now = toInstant(now);
    checkTrustedRoots(trustedRoots);
    if (expectedReportData !== undefined && expectedReportData.length !== REPORT_DATA_BYTES) {
      throw invalid(`The expected report data has ${expectedReportData.length} bytes.`, "pass all 64 bytes");
    }
    if (!(collateralGraceDays >= 0 && collateralGraceDays <= LONGEST_GRACE_DAYS)) {
      throw invalid("The grace for collateral is out of its range.", `pass 0 to ${LONGEST_GRACE_DAYS} days`);
    }
    this.roots = trustedRoots;
    // Without a cache of the caller, one for this call: two documents may have the same signer.
    this.recall = (cache ?? new VerifiedCache()).open(trustedRoots, this.now);
    this.expectedReportData = expectedReportData;
    this.#grace = collateralGraceDays * DAY_MILLISECONDS;
  }

  /**
   * Relies on an item at the instant of the verification.
   *
   * @throws the item's code when it does not hold then
   */
  rely(reliance: Reliance): void {
    const { window, mayBeStale, code, item } = reliance;
    const grace = mayBeStale ? this.#grace : 0;
    if (this.now < window.from || this.now > window.to + grace) {
      const { from, to } = formatWindow(window);
      throw new BulwarkError(
        code,
        `${item} holds from ${from} to ${to}, not at ${formatInstant(this.now)}.`,
        this.now < window.from
          ? "check the clock of this machine, or the instant you gave"
          : "fetch the collateral again: bulwark attest collateral fetch",
      );
    }
    this.#reliances.push(reliance);
  }

  /** When everything relied on holds. */
  get window(): { from: string; to: string } {
    return formatWindow(intersect(this.#reliances.map(({ window }) => window)));
  }

  /** What was relied on, for the audit. */
  get records(): readonly CollateralRecord[] {
    return this.#reliances.map(({ item, fingerprint, window }) => {
      const { from, to } = formatWindow(window);
      return { item, fingerprint, validFrom: from, validTo: to, stale: this.now > window.to };
    });
  }
}

function invalid(message: string, mend: string): BulwarkError {
  return new BulwarkError("VERIFY_OPTION_INVALID", message, mend);
}

/** How long past its validity an entry of the cache can still be of use. */
export function toExpiry({ to }: Window): number {
  return to + LONGEST_GRACE_DAYS * DAY_MILLISECONDS;
}
