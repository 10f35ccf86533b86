// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Collateral } from "../collateral/collateral.ts";
import type { QuoteVerdict } from "../verdict.ts";
import type { QuoteOptions } from "./options.ts";

/** Verifies an SGX or TDX quote. */
export function verifyQuote(_quote: Uint8Array, _collateral: Collateral, _options: QuoteOptions): QuoteVerdict {
  throw new BulwarkError("BUG", "not there yet", "wait for the next commit");
}
