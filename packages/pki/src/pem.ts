// SPDX-License-Identifier: Apache-2.0

/** Certificates of a PEM bundle, one PEM text each. */
export function splitBundle(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
}
