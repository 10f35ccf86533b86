// SPDX-License-Identifier: Apache-2.0

declare const verified: unique symbol;

/**
 * A value whose signature and issuer were checked. Functions that decide take nothing else, so that an item which was
 * read but not verified does not compile.
 */
export type Verified<T> = T & { readonly [verified]: true };

/** Says that a value was verified. Called by the functions that verified it, and by nothing else. */
export function markVerified<T>(value: T): Verified<T> {
  return value as Verified<T>;
}
