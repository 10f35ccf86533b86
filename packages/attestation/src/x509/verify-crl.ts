// SPDX-License-Identifier: Apache-2.0
import type { KeyObject } from "node:crypto";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { readAs } from "../malformed.ts";
import { markVerified, type Verified } from "../verified.ts";
import { isSignedBy } from "./algorithm.ts";
import type { Certificate } from "./certificate.ts";
import { type Crl, readCrl } from "./crl.ts";
import { parseBase64 } from "./pem.ts";

/** What a CRL is called, and its codes. */
export type CrlRules = {
  item: string;
  mend: string;
  codes: { malformed: ErrorCode; issuer: ErrorCode; signature: ErrorCode; notCurrent: ErrorCode };
};

const CRL_SIGN = 1 << 6;

/**
 * Verifies a CRL against the certificate that must have issued it, which comes from a verified chain (RFC 5280, section
 * 6.3). Everything but time. Fails closed: what cannot be read is refused.
 *
 * @throws a code of the rules
 */
export function verifyCrl(
  derBase64: string,
  issuer: { certificate: Certificate; key: KeyObject },
  { item, mend, codes }: CrlRules,
): Verified<Crl> {
  const crl = readAs({ code: codes.malformed, item, mend }, () => readCrl(parseBase64(derBase64)));
  const maySign = ((issuer.certificate.keyUsage ?? 0) & CRL_SIGN) !== 0;
  if (!crl.issuer.equals(issuer.certificate.subject) || !maySign) {
    throw new BulwarkError(codes.issuer, `The ${item} was issued by another CA than the chain's.`, mend);
  }
  if (!isSignedBy({ key: issuer.key, keyKind: issuer.certificate.keyKind }, crl)) {
    throw new BulwarkError(codes.signature, `The ${item} is not signed by its issuer.`, mend);
  }
  return markVerified(crl);
}
