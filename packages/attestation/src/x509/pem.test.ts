// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Malformed } from "../malformed.ts";
import { simulate } from "../testing/evidence.ts";
import { readCrl, toCrlDer } from "./crl.ts";
import { parseBase64, parseHex, parsePem } from "./pem.ts";

const block = (label: string, body: string): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

test("blocks are read with white space and zeros around them, and nothing else", () => {
  const pem = block("CERTIFICATE", "AQID");
  assert.deepEqual(parsePem(`\n${pem}\r\n${pem}\0`, "CERTIFICATE"), [Buffer.of(1, 2, 3), Buffer.of(1, 2, 3)]);
  assert.deepEqual(parsePem("", "CERTIFICATE"), []);
  for (const wrong of [
    `x${pem}`,
    `${pem}x`,
    block("X509 CRL", "AQID"),
    pem.replace("AQID", "AQID="),
    pem.replace("AQID", "AQ*D"),
    pem.replace("END CERTIFICATE", "END X"),
    pem.slice(0, -10),
    pem.repeat(9),
  ]) {
    assert.throws(() => parsePem(wrong, "CERTIFICATE"), Malformed, wrong);
  }
});

test("base64 and hex have one form", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (array) => {
      const bytes = Buffer.from(array);
      assert.deepEqual(parseBase64(bytes.toString("base64")), bytes);
      assert.deepEqual(parseHex(bytes.toString("hex").toUpperCase(), bytes.length), bytes);
    }),
  );
  for (const wrong of ["A", "AA", "AA=A", "AAA", "AB==", "AA==\n", "_w=="])
    assert.throws(() => parseBase64(wrong), Malformed, wrong);
  for (const wrong of ["0", "0g", "00 ", "0x00"]) assert.throws(() => parseHex(wrong), Malformed, wrong);
  assert.throws(() => parseHex("00", 2), Malformed);
});

test("a CRL is taken as DER, PEM or hex digits", () => {
  const der = Buffer.from(simulate("sgx").collateral.pckCrl?.derBase64 ?? "", "base64");
  const pem = block("X509 CRL", der.toString("base64").replace(/(.{64})/g, "$1\n"));
  for (const form of [
    der,
    Buffer.from(der.toString("hex")),
    Buffer.from(`${der.toString("hex")}\n`),
    Buffer.from(pem),
  ]) {
    assert.deepEqual(toCrlDer(form), der);
  }
  assert.equal(readCrl(der).revoked.size, 1);
  for (const wrong of ["", "text", pem + pem, block("CERTIFICATE", "AQID")]) {
    assert.throws(() => toCrlDer(Buffer.from(wrong)) && readCrl(toCrlDer(Buffer.from(wrong))), Malformed, wrong);
  }
});
