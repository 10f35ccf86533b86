// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { constants, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { createRoot, createSnpIntermediate, makeSnpWish, simulateSnp, toFingerprint } from "@bulwark/simulation";
import { TAG } from "../der/reader.ts";
import { toInstant } from "../instant.ts";
import type { TrustedRoots } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { encode } from "../testing/der.ts";
import { readCertificate } from "../x509/certificate.ts";
import { parsePem } from "../x509/pem.ts";
import { verifySnpReport } from "./verify-report.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const BEFORE = new Date(NOW.getTime() - 86_400_000);
const root = createRoot("amd", { now: BEFORE });
const { evidence, collateral } = simulateSnp(root, createSnpIntermediate(root, { now: BEFORE }), makeSnpWish(), {
  now: NOW,
});
const trustedRoots: TrustedRoots = [{ kind: "simulation", fingerprint: toFingerprint(root) }];
const [intermediate, anchor] = parsePem(collateral.caChainPem, "CERTIFICATE").map(readCertificate);
assert.ok(intermediate && anchor);

const hex = (text: string): Buffer => Buffer.from(text, "hex");
/** RSASSA-PSS with SHA-384, MGF1 of it, and a salt of 48 bytes. */
const PSS = hex(
  "304106092a864886f70d01010a3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130",
);
const extension = (oid: string, value: Buffer): Buffer =>
  encode(TAG.sequence, hex(oid), encode(TAG.octetString, value));
const EXTENSIONS = encode(
  0xa0,
  encode(TAG.sequence, extension("0603551d23", hex("3000")), extension("0603551d14", hex("020101"))),
);

type Spec = { issuer: Buffer; serials: readonly string[]; from: string; to: string; key: KeyObject };

/** A CRL as AMD signs it. */
function issueCrl(overrides: Partial<Spec> = {}): string {
  const spec = {
    issuer: anchor?.subject ?? hex(""),
    serials: [],
    from: "260201000000Z",
    to: "260401000000Z",
    key: root.key,
    ...overrides,
  };
  const time = (text: string) => encode(TAG.utcTime, Buffer.from(text));
  const entries = spec.serials.map((serial) => encode(TAG.sequence, encode(TAG.integer, hex(serial)), time(spec.from)));
  const list = entries.length === 0 ? [] : [encode(TAG.sequence, ...entries)];
  const tbs = encode(
    TAG.sequence,
    hex("020101"),
    PSS,
    spec.issuer,
    time(spec.from),
    time(spec.to),
    ...list,
    EXTENSIONS,
  );
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const signature = sign("sha384", tbs, { key: spec.key, padding, saltLength: 48 });
  return encode(TAG.sequence, tbs, PSS, encode(TAG.bitString, hex("00"), signature)).toString("base64");
}

const run = (crlDerBase64: string | null, now = NOW) =>
  verifySnpReport(evidence, { ...collateral, crlDerBase64 }, { trustedRoots, now: toInstant(now) });

test("with AMD's CRL at hand it is checked, and the verdict says so", () => {
  assert.equal(run(null).revocationChecked, false);
  const verdict = run(issueCrl({ serials: ["01", "7fff"] }));
  assert.equal(verdict.revocationChecked, true);
  assert.deepEqual(
    verdict.collateral.map(({ item }) => item),
    ["endorsementChain", "endorsementCrl"],
  );
});

test("a CRL that is at hand must be right, and what it lists is refused", () => {
  const cases: [string, string][] = [
    [issueCrl({ serials: [intermediate.serial] }), "SNP_CHAIN_REVOKED"],
    [issueCrl({ issuer: intermediate.subject }), "SNP_CRL_ISSUER_WRONG"],
    [issueCrl({ to: "260228000000Z" }), "SNP_CRL_NOT_CURRENT"],
    [issueCrl({ from: "260302000000Z" }), "SNP_CRL_NOT_CURRENT"],
    [issueCrl().slice(0, -8), "SNP_CRL_MALFORMED"],
    ["AAAA", "SNP_CRL_MALFORMED"],
    ["not base64", "SNP_CRL_MALFORMED"],
  ];
  for (const [crl, code] of cases)
    assert.equal(
      codeOf(() => run(crl)),
      code,
    );
  const flipped = Buffer.from(issueCrl(), "base64");
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  assert.equal(
    codeOf(() => run(flipped.toString("base64"))),
    "SNP_CRL_SIGNATURE_INVALID",
  );
});
