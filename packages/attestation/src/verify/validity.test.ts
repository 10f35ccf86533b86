// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@bulwark/contracts/errors";
import { formatInstant, type Instant, toInstant } from "../instant.ts";
import { HARDWARE_ROOTS } from "../roots.ts";
import { codeOf } from "../testing/code-of.ts";
import { simulate } from "../testing/evidence.ts";
import { quoteVectors, skipVectors } from "../testing/vectors.ts";
import type { CollateralItem } from "../verdict.ts";
import { verifyQuote } from "./verify-quote.ts";

const SECOND_MS = 1000;
const { now } = simulate("sgx");
/** Narrower than everything else. */
const [from, to] = [new Date(now - 600 * SECOND_MS), new Date(now + 600 * SECOND_MS)];
const dates = {
  issueDate: formatInstant(from.getTime() as Instant),
  nextUpdate: formatInstant(to.getTime() as Instant),
};

type Adjust = Parameters<typeof simulate>[2];
const narrowCertificate = (role: string): Adjust => ({
  certificate: (of, spec) => (of === role ? { ...spec, notBefore: from, notAfter: to } : spec),
});
const narrowCrl = (role: string): Adjust => ({
  crl: (of, spec) => (of === role ? { ...spec, thisUpdate: from, nextUpdate: to } : spec),
});

/** Each item with a validity of its own, and the code for when it does not hold. */
const ITEMS: readonly [string, Adjust, ErrorCode][] = [
  ["PCK certificate", narrowCertificate("pck"), "PCK_CHAIN_NOT_CURRENT"],
  ["PCK CA", narrowCertificate("intermediate"), "PCK_CHAIN_NOT_CURRENT"],
  ["TCB signing certificate", narrowCertificate("tcbSigning"), "TCB_SIGNER_NOT_CURRENT"],
  ["CRL of the root", narrowCrl("rootCrl"), "ROOT_CRL_NOT_CURRENT"],
  ["CRL of the PCK CA", narrowCrl("pckCrl"), "PCK_CRL_NOT_CURRENT"],
  ["TCB info", { tcbInfo: (body) => ({ ...body, ...dates }) }, "TCB_INFO_NOT_CURRENT"],
  ["QE identity", { qeIdentity: (body) => ({ ...body, ...dates }) }, "QE_IDENTITY_NOT_CURRENT"],
];

for (const [name, adjust, code] of ITEMS) {
  test(`one second outside the validity of the ${name}: ${code}`, () => {
    const { evidence, collateral, trustedRoots } = simulate("tdx", {}, adjust);
    const at = (time: number) =>
      codeOf(() => verifyQuote(evidence, collateral, { trustedRoots, now: toInstant(time) }));
    assert.deepEqual([from.getTime() - SECOND_MS, from.getTime(), to.getTime(), to.getTime() + SECOND_MS].map(at), [
      code,
      "none",
      "none",
      code,
    ]);
  });
}

const CODES: Readonly<Partial<Record<CollateralItem, ErrorCode>>> = {
  pckChain: "PCK_CHAIN_NOT_CURRENT",
  rootCaCrl: "ROOT_CRL_NOT_CURRENT",
  pckCrl: "PCK_CRL_NOT_CURRENT",
  tcbInfo: "TCB_INFO_NOT_CURRENT",
  tcbInfoIssuerChain: "TCB_SIGNER_NOT_CURRENT",
  qeIdentity: "QE_IDENTITY_NOT_CURRENT",
  qeIdentityIssuerChain: "TCB_SIGNER_NOT_CURRENT",
};

test("real evidence outside its window is refused for the item that ends or begins there", {
  skip: skipVectors,
}, () => {
  for (const { name, evidence, collateral, expected, now: right } of quoteVectors) {
    if (expected.outcome !== "verdict") continue;
    const trustedRoots = HARDWARE_ROOTS;
    const { collateral: records, window } = verifyQuote(evidence, collateral, { trustedRoots, now: right });
    const at = (time: number) =>
      codeOf(() => verifyQuote(evidence, collateral, { trustedRoots, now: toInstant(time) }));
    const codesOf = (key: "validFrom" | "validTo", edge: string) =>
      records.filter((record) => record[key] === edge).map(({ item }) => CODES[item]);
    assert.deepEqual([at(Date.parse(window.from)), at(Date.parse(window.to))], ["none", "none"], name);
    assert.ok(codesOf("validFrom", window.from).includes(at(Date.parse(window.from) - SECOND_MS) as ErrorCode), name);
    assert.ok(codesOf("validTo", window.to).includes(at(Date.parse(window.to) + SECOND_MS) as ErrorCode), name);
  }
});
