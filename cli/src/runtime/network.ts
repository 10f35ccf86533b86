// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { getCACertificates } from "node:tls";

/** How this machine reaches the outside: proxy, trusted authorities, patience. */
export type Network = {
  agents: { "http:": http.Agent; "https:": https.Agent };
  /** Silence after which a connection counts as dead. */
  idleMs: number;
};

/** An answer that is not what was asked for. `isTransient` tells whether asking again can help. */
export class HttpStatusError extends Error {
  readonly status: number;
  constructor(status: number, url: URL) {
    super(`${url.host} answered ${status}`);
    this.status = status;
  }
  get isTransient(): boolean {
    return this.status >= 500 || this.status === 408 || this.status === 429;
  }
}

const REDIRECT_LIMIT = 5;

/**
 * Describes the network: proxies from the usual variables (or `proxy`), the authorities of Node, of the system and of
 * `certificateFile` together.
 */
export function describeNetwork(options: {
  env: Readonly<Record<string, string | undefined>>;
  proxy?: string | undefined;
  certificateFile?: string | undefined;
  idleMs: number;
}): Network {
  const { env, proxy, certificateFile, idleMs } = options;
  const proxyEnv = proxy === undefined ? { ...env } : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy };
  const own = certificateFile === undefined ? [] : [readFileSync(certificateFile, "utf8")];
  const ca = [...new Set([...getCACertificates("default"), ...getCACertificates("system"), ...own])];
  return { agents: { "http:": new http.Agent({ proxyEnv }), "https:": new https.Agent({ proxyEnv, ca }) }, idleMs };
}

/**
 * Opens a URL for reading and follows redirects. Name and password in the URL become a header, which only that host sees.
 *
 * @returns the answer (status 200 or 206) and the URL it came from
 * @throws HttpStatusError, or the error of the connection
 */
export async function openUrl(
  url: URL,
  options: { network: Network; headers: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<{ answer: http.IncomingMessage; url: URL }> {
  let next = url;
  for (let hop = 0; hop <= REDIRECT_LIMIT; hop++) {
    const answer = await ask(next, options);
    const status = answer.statusCode ?? 0;
    if (status === 200 || status === 206) return { answer, url: next };
    answer.destroy();
    const { location } = answer.headers;
    if (status < 301 || status > 308 || location === undefined) throw new HttpStatusError(status, next);
    const target = new URL(location, next);
    // TLS stays TLS.
    if (next.protocol === "https:" && target.protocol !== "https:") throw new HttpStatusError(status, next);
    next = target;
  }
  throw new Error(`${url.host} redirects without end`);
}

function ask(url: URL, { network, headers, signal }: Parameters<typeof openUrl>[1]): Promise<http.IncomingMessage> {
  const { username, password, protocol } = url;
  if (protocol !== "http:" && protocol !== "https:") throw new Error(`cannot fetch from ${protocol}`);
  const auth = username === "" ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  const { request } = protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, signal, agent: network.agents[protocol], ...auth }, resolve);
    asked.setTimeout(network.idleMs, () => asked.destroy(new Error(`${url.host} was silent for ${network.idleMs} ms`)));
    asked.on("error", reject);
    asked.end();
  });
}
