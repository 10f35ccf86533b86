// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** How long certificates are valid, in days. */
export type Validity = { authorityDays: number; leafDays: number };

export const DEFAULT_VALIDITY: Validity = { authorityDays: 365, leafDays: 90 };
const MAX_DAYS = 3650;

/** Fills in what is not said from a base and checks the whole. Throws KEYS_VALIDITY_INVALID. */
export function resolveValidity(asked: Partial<Validity>, base: Validity = DEFAULT_VALIDITY): Validity {
  const validity = { ...base, ...asked };
  for (const days of [validity.authorityDays, validity.leafDays]) {
    if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
      throw new BulwarkError(
        "KEYS_VALIDITY_INVALID",
        `A certificate cannot be valid for ${days} days`,
        `give a whole number from 1 to ${MAX_DAYS} to --days and --ca-days`,
      );
    }
  }
  if (validity.leafDays > validity.authorityDays) {
    throw new BulwarkError(
      "KEYS_VALIDITY_INVALID",
      `Certificates of ${validity.leafDays} days would outlive their authority of ${validity.authorityDays} days`,
      `add --ca-days ${validity.leafDays} or more`,
    );
  }
  return validity;
}
