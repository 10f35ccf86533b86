// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import type { CertificateSpec, CrlSpec } from "../certificate.ts";
import { octets } from "../der.ts";
import { makeP256, type Root } from "../installation.ts";
import type { Adjust, CertificateRole, Collateral, CrlRole, IntelWish, Json, Signed } from "../wish.ts";

/**
 * Steps of a verification, in order: parse, PCK chain, revocation, TCB info, QE identity, QE report, quote signature, TDX
 * module, TCB level, convergence, attributes, measurements, freshness.
 */
export type Step = "B" | "C" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M" | "N";

/** Evidence that is right but for one thing, and the code that a verifier must refuse it with. */
export type Fault = {
  step: Step;
  code: ErrorCode;
  about: string;
  /** The kind of evidence it needs; SGX version 3 when nothing is said. */
  tee?: "sgx" | "tdx";
  version?: 3 | 4 | 5;
  wish?: (wish: IntelWish) => IntelWish;
  adjust?: Adjust;
  /** Signs under another root than the one that is trusted. */
  under?: (root: Root, now: Date) => Root;
};

/** A change of one certificate; the others stay as they are. */
export const certificate = (
  role: CertificateRole,
  change: (spec: CertificateSpec) => Partial<CertificateSpec>,
): Adjust => ({ certificate: (given, spec) => (given === role ? { ...spec, ...change(spec) } : spec) });

/** A change of one revocation list. */
export const crl = (role: CrlRole, change: (spec: CrlSpec) => Partial<CrlSpec>): Adjust => ({
  crl: (given, spec) => (given === role ? { ...spec, ...change(spec) } : spec),
});

/** A change of the collateral when it is finished. */
export const collateral = (change: (given: Collateral) => Partial<Collateral>): Adjust => ({
  collateral: (given) => ({ ...given, ...change(given) }),
});

/** A copy of bytes with something written at an offset. */
export function write(bytes: Buffer, offset: number, ...values: readonly number[]): Buffer {
  const copy = Buffer.from(bytes);
  copy.set(values, offset);
  return copy;
}

/** A copy of bytes with one bit turned over. */
export function flip(bytes: Buffer, offset: number): Buffer {
  return write(bytes, offset, (bytes.at(offset) ?? 0) ^ 1);
}

/** JSON levels with a change of each. */
export const mapLevels = (body: Json, change: (level: Json) => Json): Json => ({
  ...body,
  tcbLevels: (body.tcbLevels as Json[]).map(change),
});

const DAY_MS = 86_400_000;
/** More than a year earlier. */
export const past = (date: Date): Date => new Date(date.getTime() - 400 * DAY_MS);
/** The day after tomorrow. */
export const soon = (date: Date): Date => new Date(date.getTime() + 2 * DAY_MS);

/** A critical extension that nobody knows. */
export const UNKNOWN_CRITICAL = { id: "1.2.3.4.5", critical: true, value: octets(Buffer.from("?")) };

/** A change of a document after it was signed. */
export const withBody = (item: "tcbInfo" | "qeIdentity", change: (body: string) => string) =>
  collateral((given) => {
    const document = given[item];
    return document === null ? {} : ({ [item]: { ...document, body: change(document.body) } } as Partial<Collateral>);
  });

/** Signs one thing with a key that nobody vouches for. */
export const strangerSigns = (what: Signed): Adjust => ({
  key: (given, right) => (given === what ? makeP256().privateKey : right),
});

export const tdx = { tee: "tdx" } as const;
export const v5 = { tee: "tdx", version: 5 } as const;
