// SPDX-License-Identifier: Apache-2.0

/** Verified collateral by fingerprint. */
export class VerifiedCache {}
