// SPDX-License-Identifier: Apache-2.0
// Whether what the simulation makes is what others take it for: OpenSSL by way of Node, and another verifier of quotes.
import assert from "node:assert/strict";
import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { QuoteVerifier } from "@phala/dcap-qvl";
import { createRoot, exportRoot, importRoot } from "./installation.ts";
import { makeWish, simulateIntel } from "./intel.ts";
import { createSnpIntermediate, makeSnpWish, simulateSnp } from "./snp.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const BEFORE = new Date(NOW.getTime() - 86_400_000);
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const readChain = (text: string): X509Certificate[] =>
  (text.match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));

/** Each certificate names the next as its issuer and is signed by it; the last by itself. */
function checkChain(chain: readonly X509Certificate[], length: number): void {
  assert.equal(chain.length, length);
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? certificate;
    assert.ok(certificate.checkIssued(issuer), certificate.subject);
    assert.ok(certificate.verify(issuer.publicKey), certificate.subject);
  }
}

test("chains of Intel's kind are such to OpenSSL", () => {
  const { evidence, collateral } = simulateIntel(createRoot("intel", { now: BEFORE }), makeWish("tdx"), { now: NOW });
  checkChain(readChain(evidence.toString("latin1")), 3);
  checkChain(readChain(collateral.tcbInfo?.issuerChainPem ?? ""), 2);
  checkChain(readChain(collateral.pckCrl?.issuerChainPem ?? ""), 2);
});

test("documents and quotes are signed as Intel signs them", () => {
  const { evidence, collateral } = simulateIntel(createRoot("intel", { now: BEFORE }), makeWish("sgx"), { now: NOW });
  for (const document of [collateral.tcbInfo, collateral.qeIdentity]) {
    assert.ok(document !== null);
    const [signer] = readChain(document.issuerChainPem);
    assert.ok(signer !== undefined);
    const key = { key: signer.publicKey, dsaEncoding: "ieee-p1363" } as const;
    assert.ok(verify("sha256", Buffer.from(document.body), key, Buffer.from(document.signatureHex, "hex")));
  }
  const [signed, signature, point] = [
    evidence.subarray(0, 432),
    evidence.subarray(436, 500),
    evidence.subarray(500, 564),
  ];
  const [x, y] = [point.subarray(0, 32), point.subarray(32)].map((half) => half.toString("base64url"));
  const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, format: "jwk" });
  assert.ok(verify("sha256", signed, { key, dsaEncoding: "ieee-p1363" }, signature));
});

test("chains of AMD's kind, with RSA-PSS, are such to OpenSSL", () => {
  const root = createRoot("amd", { now: BEFORE });
  const { collateral } = simulateSnp(root, createSnpIntermediate(root, { now: BEFORE }), makeSnpWish(), { now: NOW });
  const leaf = new X509Certificate(Buffer.from(collateral.endorsementKeyDerBase64, "base64"));
  const chain = readChain(collateral.caChainPem);
  assert.ok(chain[0] !== undefined && leaf.checkIssued(chain[0]) && leaf.verify(chain[0].publicKey));
  checkChain(chain.slice(1), 1);
  assert.equal(importRoot("amd", exportRoot(root)).name, root.name);
});

for (const tee of ["sgx", "tdx"] as const) {
  test(`another verifier takes simulated ${tee} evidence under its root, once the mark is taken off`, () => {
    const root = createRoot("intel", { now: BEFORE });
    const flags = tee === "sgx" ? 48 + 48 : 48 + 120;
    const unmark = (bytes: Buffer): Buffer => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8((copy[flags] ?? 0) & (tee === "sgx" ? ~2 & 0xff : ~1 & 0xff), flags);
      return copy;
    };
    const wish = makeWish(tee, { status: "OutOfDate", advisoryIds: ["INTEL-SA-00615"] });
    const { evidence, collateral } = simulateIntel(root, wish, { now: NOW, adjust: { signedPart: unmark } });
    const { tcbInfo, qeIdentity, pckCrl, rootCaCrl } = collateral;
    const toHex = (base64 = ""): string => Buffer.from(base64, "base64").toString("hex");
    const report = QuoteVerifier.newWithRootCa(root.certificate).verify(
      evidence,
      {
        tcb_info_issuer_chain: tcbInfo?.issuerChainPem ?? "",
        tcb_info: tcbInfo?.body ?? "",
        tcb_info_signature: tcbInfo?.signatureHex ?? "",
        qe_identity_issuer_chain: qeIdentity?.issuerChainPem ?? "",
        qe_identity: qeIdentity?.body ?? "",
        qe_identity_signature: qeIdentity?.signatureHex ?? "",
        pck_crl_issuer_chain: pckCrl?.issuerChainPem ?? "",
        pck_crl: toHex(pckCrl?.derBase64),
        root_ca_crl: toHex(rootCaCrl?.derBase64),
      } as never,
      NOW.getTime() / 1000,
    );
    assert.equal(report.status, "OutOfDate");
  });
}
