// SPDX-License-Identifier: Apache-2.0
import { Agent as HttpAgent, type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import { BulwarkError } from "@bulwark/contracts/errors";

/** Where a server is, and how it and its caller know each other. PEM texts, no files: whoever calls has read them. */
export type Target = {
  url: string;
  token?: string;
  /** The authority of the server's certificate, where it is none that the system knows. */
  ca?: string;
  /** The caller's own certificate, where the server asks for one. */
  cert?: string;
  key?: string;
};

export type Exchange = {
  method: "GET" | "POST" | "DELETE";
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array | string;
  signal?: AbortSignal;
  timeoutMs: number;
};

export type Reply = { status: number; headers: IncomingHttpHeaders; body: Buffer };

/** One server, over connections that are kept. */
export type Transport = {
  /** Sends once. Throws SERVING_UNREACHABLE, SERVING_DEADLINE, SERVING_CANCELLED. */
  send(exchange: Exchange): Promise<Reply>;
  close(): void;
};

const MOST_BYTES = 2 ** 30;

/** Throws SERVING_REQUEST for what is no HTTP address, and for a token that would travel in the clear to another machine. */
export function createTransport({ url, token, ...tls }: Target): Transport {
  const base = readBase(url, token);
  const isSecure = base.protocol === "https:";
  const agent = isSecure
    ? new HttpsAgent({ keepAlive: true, minVersion: "TLSv1.2", ...tls })
    : new HttpAgent({ keepAlive: true });
  const start = isSecure ? requestHttps : requestHttp;

  return {
    send({ method, path, headers = {}, body, signal, timeoutMs }) {
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
      const asking = start(new URL(base.pathname.replace(/\/$/, "") + path, base), {
        method,
        agent,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headers: {
          ...headers,
          ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      });
      asking.once("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > MOST_BYTES) response.destroy(new Error("the answer is too long"));
          else chunks.push(chunk);
        });
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
        response.once("error", reject);
      });
      asking.once("error", reject);
      asking.end(body);
      return promise.catch((cause) => {
        throw explain(cause, { host: base.host, signal, timeout });
      });
    },
    close: () => agent.destroy(),
  };
}

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

function readBase(text: string, token: string | undefined): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new BulwarkError("SERVING_REQUEST", "The address of the server is not http or https.", "https://HOST:PORT");
  }
  if (token !== undefined && url.protocol === "http:" && !LOOPBACK.has(url.hostname)) {
    throw new BulwarkError("SERVING_REQUEST", "The token would be sent in the clear.", "use https");
  }
  return url;
}

function explain(
  cause: unknown,
  { host, signal, timeout }: { host: string; signal: AbortSignal | undefined; timeout: AbortSignal },
): BulwarkError {
  if (signal?.aborted === true) return new BulwarkError("SERVING_CANCELLED", "The call was given up.", "call again");
  if (timeout.aborted) {
    return new BulwarkError("SERVING_DEADLINE", `${host} did not answer in time.`, "allow more time", { cause });
  }
  const mend = "see whether it runs: bulwark serving status";
  return new BulwarkError("SERVING_UNREACHABLE", `${host} does not answer.`, mend, { cause });
}
