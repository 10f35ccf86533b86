// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readAs } from "../malformed.ts";
import type { Quote } from "../quote/quote.ts";
import { parseChainPem } from "../x509/chain.ts";
import { PCK_CHAIN } from "../x509/chain-rules.ts";
import { readSgxExtension } from "../x509/sgx-extension.ts";

/** What a quote's PCK certificate says of its platform. Nothing of it has been verified. */
export type PlatformClaim = {
  fmspc: string;
  pceId: string;
  ca: "processor" | "platform";
  /** SHA-256 of the PPID. */
  ppidHash: string;
  piid: string | null;
  pceSvn: number;
  components: readonly number[];
  rootFingerprint: string;
};

const PEM_CHAIN = 5;
const EXTENSION = {
  code: "PCK_EXTENSION_MALFORMED",
  item: "SGX extension of the PCK certificate",
  mend: PCK_CHAIN.mend,
} as const;

/**
 * Reads which platform a quote claims to come from: what collateral has to be asked for.
 *
 * @param pckChainPem the chain, for quotes that do not carry it
 * @throws COLLATERAL_MISSING when there is no chain; PCK_CHAIN_MALFORMED, PCK_EXTENSION_MALFORMED
 */
export function inspectPlatform(quote: Quote, pckChainPem?: string | null): PlatformClaim {
  const { type, data } = quote.certificationData;
  const pem = type === PEM_CHAIN ? data.toString("latin1") : pckChainPem;
  if (pem === undefined || pem === null) {
    throw new BulwarkError(
      "COLLATERAL_MISSING",
      `The quote carries no PCK chain: its certification data has type ${type}.`,
      "pass a bundle with pckChainPem: --collateral bundle.json",
    );
  }
  const [leaf, issuer, ...rest] = parseChainPem(pem, PCK_CHAIN);
  return readAs(EXTENSION, () => {
    const { fmspc, pceId, ppid, platformInstanceId, pceSvn, components } = readSgxExtension(
      leaf?.extensions ?? new Map(),
    );
    return {
      fmspc,
      pceId,
      ca: /Platform CA/.test(issuer?.commonName ?? "") ? "platform" : "processor",
      ppidHash: hash("sha256", ppid, "hex"),
      piid: platformInstanceId,
      pceSvn,
      components: [...components],
      rootFingerprint: rest.at(-1)?.fingerprint ?? "",
    };
  });
}
