// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Collateral } from "../collateral/collateral.ts";
import { readAs } from "../malformed.ts";
import { INTEL_QE_VENDOR_ID, type Quote, SIMULATION_QE_VENDOR_ID } from "../quote/quote.ts";
import { markVerified, type Verified } from "../verified.ts";
import { type Chain, parseChainPem, verifyChain } from "../x509/chain.ts";
import { PCK_CHAIN } from "../x509/chain-rules.ts";
import { readSgxExtension, type SgxExtension } from "../x509/sgx-extension.ts";
import { type Context, toExpiry } from "./context.ts";

/** A platform as its PCK certificate names it. */
export type Pck = {
  chain: Verified<Chain>;
  extension: SgxExtension;
  ca: "processor" | "platform";
  /** SHA-256 of the PPID, hex. */
  ppidHash: string;
};

const PEM_CHAIN = 5;

/**
 * Step C: the chain of the platform's PCK certificate, from the quote when it carries one, up to a trusted root; and
 * that the quoting enclave's vendor is that of the root.
 *
 * @throws PCK_CHAIN_..., PCK_EXTENSION_MALFORMED, ROOT_UNTRUSTED, QUOTE_VENDOR_UNKNOWN
 */
export function verifyPck(context: Context, quote: Quote, collateral: Collateral): Verified<Pck> {
  const { type, data } = quote.certificationData;
  const pem = type === PEM_CHAIN ? data.toString("latin1") : (collateral.pckChainPem ?? "");
  const pck = context.recall(
    "chain",
    [pem, PCK_CHAIN.item],
    () => {
      const chain = verifyChain(parseChainPem(pem, PCK_CHAIN), PCK_CHAIN, context.roots);
      return markVerified(toPck(chain));
    },
    ({ chain }) => toExpiry(chain.window),
  );
  const { window, fingerprint, trustedRoot } = pck.chain;
  context.rely({ item: "pckChain", fingerprint, window, code: PCK_CHAIN.codes.notCurrent, mayBeStale: false });
  const vendor = trustedRoot.kind === "simulation" ? SIMULATION_QE_VENDOR_ID : INTEL_QE_VENDOR_ID;
  if (quote.header.qeVendorId !== vendor) {
    throw new BulwarkError(
      "QUOTE_VENDOR_UNKNOWN",
      `The quoting enclave's vendor is not that of a root of kind ${trustedRoot.kind}.`,
      "take the quote again; hardware and simulation do not mix",
    );
  }
  return pck;
}

function toPck(chain: Verified<Chain>): Pck {
  const { code, item, mend } = {
    code: "PCK_EXTENSION_MALFORMED",
    item: "SGX extension of the PCK certificate",
    mend: PCK_CHAIN.mend,
  } as const;
  const extension = readAs({ code, item, mend }, () => readSgxExtension(chain.leaf.extensions));
  return {
    chain,
    extension,
    ca: chain.issuer.commonName.includes("Processor") ? "processor" : "platform",
    ppidHash: hash("sha256", extension.ppid, "hex"),
  };
}
