// SPDX-License-Identifier: Apache-2.0
import type { Collateral } from "@bulwark/attestation";
import { BulwarkError, type ErrorCode, type Finding } from "@bulwark/contracts/errors";
import { ITEMS, type ItemName, Unusable, type Update } from "./items.ts";
import { getPatiently, type HttpAnswer, type Network, PATIENCE, type Patience } from "./network.ts";
import type { CollateralRequest, CollateralSource } from "./source.ts";

/** Intel's own service. */
export const INTEL_PCS = "https://api.trustedservices.intel.com";
/** Where Intel publishes the list of its root: the distribution point of the root certificate. */
const INTEL_ROOT_CRL = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

export type ServiceOptions = {
  /** Address of Intel's PCS or of a PCCS, without a path: https only. */
  url: string;
  network: Network;
  patience?: Patience;
  /** Default `standard`. */
  update?: Update;
  /** Subscription key, for services that ask for one. Never shown. */
  apiKey?: string;
};

const wrongAddress = (url: string, what: string): BulwarkError =>
  new BulwarkError(
    "COLLATERAL_SOURCE_INVALID",
    `${url} ${what}.`,
    `use for instance --collateral ${INTEL_PCS}, or https://HOST:8081 for a PCCS`,
  );

function checkAddress(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined) throw wrongAddress(url, "is no address");
  if (parsed.protocol !== "https:") throw wrongAddress(url, "is not https, so anyone on the way could hold items back");
  if (parsed.username !== "" || parsed.password !== "")
    throw wrongAddress(parsed.host, "has a password in its address");
  return parsed;
}

/** What a status other than 200 means, and what to do about it. */
function explainStatus(status: number): { code: ErrorCode; what: string; mend: string } {
  if (status === 404) {
    return {
      code: "COLLATERAL_NOT_FOUND",
      what: "is not known there (404)",
      mend: "check that the quote is of real hardware, or ask another service: --collateral URL",
    };
  }
  if (status === 401 || status === 403) {
    return {
      code: "COLLATERAL_NOT_PERMITTED",
      what: `was not given out (${status})`,
      mend: "name a file with the service's subscription key: --api-key-file FILE",
    };
  }
  return status >= 500 || status === 429
    ? {
        code: "COLLATERAL_UNREACHABLE",
        what: `could not be had now (${status})`,
        mend: "try again later, or use a folder: --collateral DIR",
      }
    : {
        code: "COLLATERAL_ANSWER_WRONG",
        what: `was refused (${status})`,
        mend: "check that the address is a PCS or PCCS",
      };
}

type Asked = { item: string; url: string };

function toFinding({ item, url }: Asked, error: unknown): Finding {
  if (error instanceof BulwarkError) return { code: error.code, message: error.message, mend: error.mend };
  if (error instanceof Unusable) {
    const mend = "check that the address is a PCS or PCCS of API version 4";
    return { code: "COLLATERAL_ANSWER_WRONG", message: `The answer for ${item} from ${url} ${error.message}.`, mend };
  }
  const { what, mend } = explainFailure(error);
  return { code: "COLLATERAL_UNREACHABLE", message: `${item} could not be fetched from ${url}: ${what}.`, mend };
}

const NETWORK_MEND = "check the address and the network, or use a folder: --collateral DIR";
const UNTRUSTED = { what: "its certificate is not trusted", mend: "name the CA of its certificate: --ca-file FILE" };
const FAILURES: Readonly<Record<string, { what: string; mend: string }>> = {
  ENOTFOUND: { what: "there is no such host", mend: NETWORK_MEND },
  EAI_AGAIN: { what: "its name could not be looked up", mend: NETWORK_MEND },
  ECONNREFUSED: { what: "nothing listens there", mend: NETWORK_MEND },
  ECONNRESET: { what: "the connection was cut", mend: NETWORK_MEND },
  TimeoutError: { what: "there was no answer in time", mend: NETWORK_MEND },
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
};

/** The reason of a failed connection in words; codes of Node where they are known, else its own message. */
function explainFailure(error: unknown): { what: string; mend: string } {
  const { code, name, message } = error as NodeJS.ErrnoException;
  return FAILURES[code ?? ""] ?? FAILURES[name] ?? { what: message, mend: NETWORK_MEND };
}

/** All failures as one error: the first decides, each is a finding. */
function join(source: string, findings: readonly Finding[], causes: readonly unknown[]): BulwarkError {
  const [first] = findings;
  const code = first?.code ?? "BUG";
  const message =
    findings.length === 1 ? (first?.message ?? "") : `${findings.length} items could not be had from ${source}`;
  return new BulwarkError(code, message, first?.mend ?? "", {
    cause: causes[0],
    findings: findings.length === 1 ? [] : findings,
  });
}

/**
 * Intel's PCS, or a PCCS, over HTTPS. All items are asked for at once; each with a time limit and a few attempts.
 *
 * @throws COLLATERAL_SOURCE_INVALID when the address is not https
 */
export function createServiceSource(options: ServiceOptions): CollateralSource {
  const { network, patience = PATIENCE, update = "standard", apiKey } = options;
  const base = checkAddress(options.url);
  const isIntel = base.href === `${INTEL_PCS}/`;
  const headers = apiKey === undefined ? {} : { "Ocp-Apim-Subscription-Key": apiKey };

  const toUrl = (name: ItemName, request: CollateralRequest): string =>
    isIntel && name === "rootCaCrl"
      ? INTEL_ROOT_CRL
      : `${base.origin}${base.pathname.replace(/\/$/, "")}${ITEMS[name].path(request, update)}`;

  async function ask<Name extends ItemName>(name: Name, request: CollateralRequest, signal: AbortSignal) {
    const url = toUrl(name, request);
    const item = ITEMS[name].describe(request);
    try {
      // The list of Intel's root comes from another host, which must not see the key.
      const answer = await getPatiently(url, url === INTEL_ROOT_CRL ? {} : headers, { network, patience, signal });
      if (answer.status === 200) return ITEMS[name].read(answer);
      throw toStatusError({ item, url }, answer);
    } catch (error) {
      signal.throwIfAborted();
      throw Object.assign(new Error("failed", { cause: error }), { finding: toFinding({ item, url }, error) });
    }
  }

  return {
    name: options.url,
    async fetch(request, { signal }) {
      const names = Object.keys(ITEMS) as ItemName[];
      const settled = await Promise.allSettled(names.map((name) => ask(name, request, signal)));
      signal.throwIfAborted();
      const failed = settled.filter((one) => one.status === "rejected");
      if (failed.length > 0) {
        const findings = failed.map(({ reason }) => (reason as { finding: Finding }).finding);
        throw join(
          options.url,
          findings,
          failed.map(({ reason }) => reason),
        );
      }
      return Object.fromEntries(
        settled.map((one, index) => [names[index], one.status === "fulfilled" ? one.value : null]),
      ) as Collateral;
    },
  };
}

function toStatusError({ item, url }: Asked, { status }: HttpAnswer): BulwarkError {
  const { code, what, mend } = explainStatus(status);
  return new BulwarkError(code, `${item} ${what}: ${url}.`, mend);
}
