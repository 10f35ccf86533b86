// SPDX-License-Identifier: Apache-2.0
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { issueCertificate, KEY_USAGE, toPem } from "./certificate.ts";
import { element, integer } from "./der.ts";
import { makeRsa, makeSerial, type Root } from "./installation.ts";

/** Security versions of an AMD platform, as its endorsement certificate lists them. */
export type SnpTcb = { bootLoader: number; tee: number; snp: number; microcode: number };

/** Everything about a simulated SEV-SNP report that can be asked for; each buffer has the length of its field. */
export type SnpWish = {
  version: 2 | 3 | 5;
  reportData: Buffer;
  measurement: Buffer;
  hostData: Buffer;
  chipId: Buffer;
  guestSvn: number;
  vmpl: number;
  /** Beside the debug bit, which every simulated report carries. */
  policy: bigint;
  tcb: SnpTcb;
};

/** Endorsements in the shape of a bundle file. */
export type SnpCollateral = { endorsementKeyKind: "vcek"; endorsementKeyDerBase64: string; caChainPem: string };

export type SimulatedSnp = { evidence: Buffer; collateral: SnpCollateral; rootPem: string };

/** An intermediate under a simulated ARK. Making its RSA key takes seconds, so it may be kept. */
export type SnpIntermediate = { name: string; key: KeyObject; certificate: Buffer };

const DAY_MS = 86_400_000;
const VALID_DAYS = 7 * 365;
const POLICY_RESERVED_ONE = 1n << 17n;
const POLICY_DEBUG = 1n << 19n;
const REPORT_BYTES = 1184;
const SIGNED_BYTES = 0x2a0;
const SIGNATURE_PART_BYTES = 72;
const AMD = "1.3.6.1.4.1.3704.1";
const VERSION_OF_CPUID = 3;
/** Family, model and stepping of a Milan processor. */
const CPUID_MILAN = Buffer.from([0x19, 0x01, 0x01]);

/** A report that is right in every respect, with the measurement of a workload called `name`. */
export const makeSnpWish = (overrides: Partial<SnpWish> = {}, name = "workload"): SnpWish => ({
  version: 3,
  reportData: Buffer.alloc(64),
  measurement: createHash("sha384").update(`${name} launch`).digest(),
  hostData: Buffer.alloc(32),
  chipId: randomBytes(64),
  guestSvn: 1,
  vmpl: 0,
  policy: 0n,
  tcb: { bootLoader: 3, tee: 0, snp: 8, microcode: 115 },
  ...overrides,
});

/** Makes the intermediate that endorses platforms. */
export function createSnpIntermediate(root: Root, { now }: { now: Date }): SnpIntermediate {
  const { privateKey, publicKey } = makeRsa();
  const name = "SEV-Simulation";
  const certificate = issueCertificate(
    {
      subject: name,
      issuer: root.name,
      serial: makeSerial(),
      notBefore: now,
      notAfter: new Date(now.getTime() + VALID_DAYS * DAY_MS),
      publicKey,
      issuerKey: createPublicKey(root.key),
      isAuthority: true,
      pathLength: 0,
      keyUsage: KEY_USAGE.authority,
      extensions: [],
    },
    root.key,
    "rsa-pss-sha384",
  );
  return { name, key: privateKey, certificate };
}

/** Bytes of a TCB version as reports of Milan and Genoa have it. */
const layTcb = ({ bootLoader, tee, snp, microcode }: SnpTcb): Buffer =>
  Buffer.from([bootLoader, tee, 0, 0, 0, 0, snp, microcode]);

/** Endorses a platform (AMD VCEK and KDS interface specification, table of certificate extensions). */
function endorse(intermediate: SnpIntermediate, wish: SnpWish, publicKey: KeyObject, now: Date): Buffer {
  const { bootLoader, tee, snp, microcode } = wish.tcb;
  const parts = [bootLoader, tee, snp, 0, 0, 0, 0, microcode];
  return issueCertificate(
    {
      subject: "SEV-VCEK",
      issuer: intermediate.name,
      serial: makeSerial(),
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + VALID_DAYS * DAY_MS),
      publicKey,
      isAuthority: false,
      keyUsage: 0,
      bare: true,
      extensions: [
        { id: `${AMD}.1`, value: integer(0) },
        { id: `${AMD}.2`, value: element(0x16, Buffer.from("Simulation")) },
        ...parts.map((svn, index) => ({ id: `${AMD}.3.${index + 1}`, value: integer(svn) })),
        { id: `${AMD}.4`, value: wish.chipId },
      ],
    },
    intermediate.key,
    "rsa-pss-sha384",
  );
}

/** The report without its signature (AMD SEV Secure Nested Paging firmware ABI, table of the attestation report). */
function layReport(wish: SnpWish): Buffer {
  const report = Buffer.alloc(REPORT_BYTES);
  const tcb = layTcb(wish.tcb);
  report.writeUInt32LE(wish.version, 0x00);
  report.writeUInt32LE(wish.guestSvn, 0x04);
  report.writeBigUInt64LE(wish.policy | POLICY_RESERVED_ONE | POLICY_DEBUG, 0x08);
  report.writeUInt32LE(wish.vmpl, 0x30);
  report.writeUInt32LE(1, 0x34);
  report.set(tcb, 0x38);
  report.set(wish.reportData, 0x50);
  report.set(wish.measurement, 0x90);
  report.set(wish.hostData, 0xc0);
  report.set(randomBytes(32), 0x140);
  report.fill(0xff, 0x160, 0x180);
  report.set(tcb, 0x180);
  if (wish.version >= VERSION_OF_CPUID) report.set(CPUID_MILAN, 0x188);
  report.set(wish.chipId, 0x1a0);
  report.set(tcb, 0x1e0);
  report.set(tcb, 0x1f0);
  return report;
}

/** R and S, low byte first, each in 72 bytes. */
function signReport(report: Buffer, key: KeyObject): void {
  const raw = sign("sha384", report.subarray(0, SIGNED_BYTES), { key, dsaEncoding: "ieee-p1363" });
  const half = raw.length / 2;
  report.set(raw.subarray(0, half).toReversed(), SIGNED_BYTES);
  report.set(raw.subarray(half).toReversed(), SIGNED_BYTES + SIGNATURE_PART_BYTES);
}

/**
 * Makes an SEV-SNP report with the endorsement of its platform.
 *
 * @param options.now the instant at which it shall be valid
 * @param options.change alters the report before it is signed, for tests
 */
export function simulateSnp(
  root: Root,
  intermediate: SnpIntermediate,
  wish: SnpWish,
  { now, change = () => {} }: { now: Date; change?: (report: Buffer) => void },
): SimulatedSnp {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const report = layReport(wish);
  change(report);
  signReport(report, privateKey);
  const rootPem = toPem(root.certificate);
  return {
    evidence: report,
    collateral: {
      endorsementKeyKind: "vcek",
      endorsementKeyDerBase64: endorse(intermediate, wish, publicKey, now).toString("base64"),
      caChainPem: toPem(intermediate.certificate) + rootPem,
    },
    rootPem,
  };
}
