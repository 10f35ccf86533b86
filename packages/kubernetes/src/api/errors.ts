// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";

/** The Status object with which an API server says no (meta.k8s.io/v1). */
export type ApiStatus = {
  message?: string;
  reason?: string;
  details?: { name?: string; kind?: string; causes?: { reason?: string; field?: string; message?: string }[] };
};

type Row = { code: ErrorCode; mend: string };

const LATER = "try again; see how the cluster is: kubectl get --raw /readyz?verbose";

/** What an HTTP status of the API server means for people. */
const BY_STATUS: Readonly<Record<number, Row>> = {
  400: { code: "CLUSTER_REFUSED", mend: "correct what the API server names" },
  401: { code: "CLUSTER_UNAUTHENTICATED", mend: "log in to the cluster anew, or get a new kubeconfig" },
  403: {
    code: "CLUSTER_FORBIDDEN",
    mend: "ask whoever runs the cluster for it; see all that is needed: bulwark doctor --cluster",
  },
  404: { code: "OBJECT_MISSING", mend: "see what is there: bulwark list --cluster" },
  409: { code: "CLUSTER_CONFLICT", mend: "use another name, or look again: bulwark list --cluster" },
  410: { code: "WATCH_EXPIRED", mend: "list anew" },
  422: { code: "CLUSTER_REFUSED", mend: "correct what the API server names" },
};

/** An answer of the API server that is no success, as our error; its cause is what the server said. */
export function toApiError(status: number, body: ApiStatus, what: string): BulwarkError {
  const { code, mend } = BY_STATUS[status] ?? { code: "CLUSTER_UNREACHABLE", mend: LATER };
  const said = (body.message ?? `HTTP ${status}`).slice(0, 1000);
  return new BulwarkError(code, `${what}: ${said}${/[.!?]$/.test(said) ? "" : "."}`, mend, { cause: body });
}

const CHECK_ADDRESS = "check the address in the kubeconfig, the network and a VPN: kubectl cluster-info";
const CHECK_CA = "check certificate-authority-data in the kubeconfig; get a new kubeconfig if the cluster was renewed";

/** Why a connection failed, by Node's and OpenSSL's codes. */
const BY_CODE: Readonly<Record<string, { code: ErrorCode; words: string; mend: string }>> = {
  ECONNREFUSED: { code: "CLUSTER_UNREACHABLE", words: "nothing listens there", mend: CHECK_ADDRESS },
  ENOTFOUND: { code: "CLUSTER_UNREACHABLE", words: "the name is not known", mend: CHECK_ADDRESS },
  EAI_AGAIN: { code: "CLUSTER_UNREACHABLE", words: "the name cannot be looked up now", mend: CHECK_ADDRESS },
  ETIMEDOUT: { code: "CLUSTER_UNREACHABLE", words: "there is no answer", mend: CHECK_ADDRESS },
  EHOSTUNREACH: { code: "CLUSTER_UNREACHABLE", words: "no route leads there", mend: CHECK_ADDRESS },
  ENETUNREACH: { code: "CLUSTER_UNREACHABLE", words: "no route leads there", mend: CHECK_ADDRESS },
  ECONNRESET: { code: "CLUSTER_UNREACHABLE", words: "the connection was cut", mend: LATER },
  EPIPE: { code: "CLUSTER_UNREACHABLE", words: "the connection was cut", mend: LATER },
  CERT_HAS_EXPIRED: { code: "CLUSTER_UNTRUSTED", words: "its certificate has expired", mend: CHECK_CA },
  CERT_NOT_YET_VALID: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is not valid yet",
    mend: "check the clock of this machine",
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is of another authority",
    mend: CHECK_CA,
  },
  SELF_SIGNED_CERT_IN_CHAIN: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is of another authority",
    mend: CHECK_CA,
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is of another authority",
    mend: CHECK_CA,
  },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is of another authority",
    mend: CHECK_CA,
  },
  CERT_SIGNATURE_FAILURE: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is of another authority",
    mend: CHECK_CA,
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: "CLUSTER_UNTRUSTED",
    words: "its certificate is for another name",
    mend: CHECK_CA,
  },
};

/** A connection that failed, as our error; what is ours already stays as it is. */
export function toConnectionError(cause: unknown, server: URL): BulwarkError {
  if (cause instanceof BulwarkError) return cause;
  const { code = "", message } = cause as NodeJS.ErrnoException;
  const row = BY_CODE[code];
  const words = row?.words ?? (message || code);
  return new BulwarkError(
    row?.code ?? "CLUSTER_UNREACHABLE",
    `The API server at ${server.host} cannot be used: ${words}.`,
    row?.mend ?? CHECK_ADDRESS,
    { cause },
  );
}

/** Whether it may help to ask again: the server is away or overloaded, not of another opinion. */
export function isPassing(error: unknown): boolean {
  return error instanceof BulwarkError && error.code === "CLUSTER_UNREACHABLE";
}
