// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import type { Collateral, SignedDocument } from "../collateral/collateral.ts";
import { readQeIdentity } from "../collateral/qe-identity.ts";
import { readTcbInfo } from "../collateral/tcb-info.ts";
import { formatInstant, type Instant } from "../instant.ts";
import { readAs } from "../malformed.ts";
import { readCrl, toCrlDer } from "../x509/crl.ts";
import { parseBase64 } from "../x509/pem.ts";

/** What an item of collateral says of itself. Nothing of it has been verified. */
export type CollateralClaim = {
  item: "tcbInfo" | "qeIdentity" | "pckCrl" | "rootCaCrl";
  validFrom: string;
  validTo: string;
  detail: string;
};

type Claim = Omit<CollateralClaim, "item">;
type Reader = { [Item in CollateralClaim["item"]]: (given: NonNullable<Collateral[Item]>) => Claim };

const MEND = "fetch it again: bulwark attest collateral fetch";
const reading = <T>(code: ErrorCode, item: string, read: () => T): T => readAs({ code, item, mend: MEND }, read);

const toClaim = (from: Instant, to: Instant, detail: string): Claim => ({
  validFrom: formatInstant(from),
  validTo: formatInstant(to),
  detail,
});

function readRevocation(code: ErrorCode, item: string, derBase64: string): Claim {
  return reading(code, item, () => {
    const { window, revoked } = readCrl(parseBase64(derBase64));
    return toClaim(window.from, window.to, `${revoked.size} revoked`);
  });
}

const READERS: Reader = {
  tcbInfo: ({ body }: SignedDocument) =>
    reading("TCB_INFO_MALFORMED", "TCB info", () => {
      const { id, fmspc, evaluationDataNumber, levels, window } = readTcbInfo(body);
      const detail = `${id}, FMSPC ${fmspc}, evaluation number ${evaluationDataNumber}, ${levels.length} levels`;
      return toClaim(window.from, window.to, detail);
    }),
  qeIdentity: ({ body }: SignedDocument) =>
    reading("QE_IDENTITY_MALFORMED", "QE identity", () => {
      const { id, levels, window } = readQeIdentity(body);
      return toClaim(window.from, window.to, `${id}, ${levels.length} levels`);
    }),
  pckCrl: ({ derBase64 }) => readRevocation("PCK_CRL_MALFORMED", "CRL of the PCK CA", derBase64),
  rootCaCrl: ({ derBase64 }) => readRevocation("ROOT_CRL_MALFORMED", "CRL of the root", derBase64),
};

/**
 * Reads what each item of a bundle says of itself: from when to when it holds, and what it is about.
 *
 * @throws the code of the first item that cannot be read
 */
export function inspectCollateral(collateral: Collateral): CollateralClaim[] {
  return (Object.keys(READERS) as CollateralClaim["item"][]).flatMap((item) => {
    const given = collateral[item];
    const read = READERS[item] as (given: unknown) => Claim;
    return given === null ? [] : [{ item, ...read(given) }];
  });
}

/**
 * Standard base64 of the DER of a CRL that came as DER, PEM or hex digits.
 *
 * @throws COLLATERAL_INVALID
 */
export function toCrlBase64(bytes: Uint8Array): string {
  return reading("COLLATERAL_INVALID", "CRL", () => {
    const der = toCrlDer(bytes);
    readCrl(der);
    return der.toString("base64");
  });
}
