// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from "node:crypto";
import { sequence } from "../der.ts";
import { createRoot } from "../installation.ts";
import { certificate, type Fault, past, soon, strangerSigns, UNKNOWN_CRITICAL } from "./fault.ts";

const SGX_EXTENSION = "1.2.840.113741.1.13.1";

/** Faults of the PCK chain (step C). */
export const CHAIN_FAULTS: Readonly<Record<string, Fault>> = {
  "root-of-another": {
    step: "C",
    code: "ROOT_UNTRUSTED",
    about: "the right name, another key",
    under: (root, now) => ({ ...createRoot("intel", { now }), name: root.name }),
    adjust: { certificate: (_role, spec) => spec },
  },
  "chain-too-short": {
    step: "C",
    code: "PCK_CHAIN_MALFORMED",
    about: "the intermediate is missing",
    adjust: { chain: ([leaf = "", , root = ""]) => [leaf, root] },
  },
  "chain-too-long": {
    step: "C",
    code: "PCK_CHAIN_MALFORMED",
    about: "the root stands in it twice",
    adjust: { chain: (pems) => [...pems, pems.at(-1) ?? ""] },
  },
  "chain-garbage": {
    step: "C",
    code: "PCK_CHAIN_MALFORMED",
    about: "text in place of the leaf",
    adjust: { chain: ([, ...rest]) => ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", ...rest] },
  },
  "chain-reversed": {
    step: "C",
    code: "ROOT_UNTRUSTED",
    about: "root first",
    adjust: { chain: (pems) => pems.toReversed() },
  },
  "pck-name": {
    step: "C",
    code: "PCK_CHAIN_NAME_WRONG",
    about: "the leaf is named as something else",
    adjust: certificate("pck", () => ({ subject: "Some Certificate" })),
  },
  "intermediate-name": {
    step: "C",
    code: "PCK_CHAIN_NAME_WRONG",
    about: "the intermediate is named as something else",
    adjust: {
      certificate: (role, spec) =>
        role === "intermediate"
          ? { ...spec, subject: "Some CA" }
          : role === "pck"
            ? { ...spec, issuer: "Some CA" }
            : spec,
    },
  },
  "pck-issuer": {
    step: "C",
    code: "PCK_CHAIN_NAME_WRONG",
    about: "the leaf names another issuer",
    adjust: certificate("pck", () => ({ issuer: "Bulwark Simulation SGX PCK Processor CA" })),
  },
  "pck-signature": {
    step: "C",
    code: "PCK_CHAIN_SIGNATURE_INVALID",
    about: "another key signed the leaf",
    adjust: strangerSigns("pck"),
  },
  "intermediate-signature": {
    step: "C",
    code: "PCK_CHAIN_SIGNATURE_INVALID",
    about: "another key signed the intermediate",
    adjust: strangerSigns("intermediate"),
  },
  "intermediate-no-ca": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "the intermediate is no CA",
    adjust: certificate("intermediate", () => ({ isAuthority: false })),
  },
  "pck-is-ca": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "the leaf is a CA",
    adjust: certificate("pck", () => ({ isAuthority: true })),
  },
  "root-path-length": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "the root allows no CA below it",
    adjust: certificate("root", () => ({ pathLength: 0 })),
  },
  "intermediate-key-usage": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "the intermediate may not sign certificates",
    adjust: certificate("intermediate", () => ({ keyUsage: 0x80 })),
  },
  "pck-critical-extension": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "a critical extension that nobody knows",
    adjust: certificate("pck", ({ extensions }) => ({ extensions: [...extensions, UNKNOWN_CRITICAL] })),
  },
  "pck-curve": {
    step: "C",
    code: "PCK_CHAIN_CONSTRAINT_BROKEN",
    about: "the leaf has a key on another curve",
    adjust: certificate("pck", () => ({ publicKey: generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey })),
  },
  "pck-expired": {
    step: "C",
    code: "PCK_CHAIN_NOT_CURRENT",
    about: "the leaf expired",
    adjust: certificate("pck", ({ notBefore }) => ({ notBefore: past(notBefore), notAfter: notBefore })),
  },
  "pck-too-early": {
    step: "C",
    code: "PCK_CHAIN_NOT_CURRENT",
    about: "the leaf is not valid yet",
    adjust: certificate("pck", ({ notBefore }) => ({ notBefore: soon(notBefore) })),
  },
  "intermediate-expired": {
    step: "C",
    code: "PCK_CHAIN_NOT_CURRENT",
    about: "the intermediate expired",
    adjust: certificate("intermediate", ({ notBefore }) => ({ notBefore: past(notBefore), notAfter: notBefore })),
  },
  "root-expired": {
    step: "C",
    code: "PCK_CHAIN_NOT_CURRENT",
    about: "the root expired",
    adjust: certificate("root", ({ notBefore }) => ({ notBefore: past(notBefore), notAfter: soon(notBefore) })),
  },
  "extension-missing": {
    step: "C",
    code: "PCK_EXTENSION_MALFORMED",
    about: "the leaf says nothing of its platform",
    adjust: certificate("pck", () => ({ extensions: [] })),
  },
  "extension-garbage": {
    step: "C",
    code: "PCK_EXTENSION_MALFORMED",
    about: "the SGX extension holds nothing",
    adjust: certificate("pck", () => ({ extensions: [{ id: SGX_EXTENSION, value: sequence() }] })),
  },
};
