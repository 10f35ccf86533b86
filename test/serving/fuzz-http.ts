// SPDX-License-Identifier: Apache-2.0
// How a gateway is asked while it is attacked, and what an answer may be.
import { Agent, type OutgoingHttpHeaders, request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { buffer } from "node:stream/consumers";
import { ERRORS, type ErrorCode } from "../../packages/contracts/src/errors/index.ts";

/** Connections to a gateway, kept over many requests. */
export type Connections = { http: URL; agent: Agent; grpc: ClientHttp2Session; close(): void };

export function openConnections(addresses: { http?: string; grpc?: string }, atOnce: number): Connections {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const grpc = connect(`http://${addresses.grpc}`);
  return {
    ...{ http: new URL(addresses.http ?? ""), agent, grpc },
    close() {
      agent.destroy();
      grpc.close();
    },
  };
}

export type Answer = { status: number; type: string; body: Buffer };

/** One request over HTTP. */
export function exchange(
  { http, agent }: Connections,
  path: string,
  { method = "POST", headers = {}, body }: { method?: string; headers?: OutgoingHttpHeaders; body?: Buffer },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": body.length };
    const sent = request(`${http.origin}${path}`, { agent, method, headers: { ...headers, ...length } }, (answer) => {
      const { statusCode: status = 0, headers: got } = answer;
      buffer(answer).then((bytes) => resolve({ status, type: got["content-type"] ?? "", body: bytes }), reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** A body, posted. */
export const post = (to: Connections, path: string, body: Buffer, headers = {}): Promise<Answer> =>
  exchange(to, path, { body, headers });

/** Throws for a code that is none, or that says that the server itself failed. */
export function demandKnown(code: unknown, said: string): ErrorCode {
  if (typeof code === "string" && code in ERRORS && code !== "BUG") return code as ErrorCode;
  throw new Error(`answered without a code of ours: ${said.slice(0, 300)}`);
}

/** The Open Inference Protocol: a result, or an error with a code whose status it has. */
export function judge({ status, type, body }: Answer): string {
  const text = body.toString("utf8");
  const json = type.startsWith("application/json") ? JSON.parse(text) : {};
  if (status === 200) return "answered";
  const code = demandKnown(json.code, `${status} ${text}`);
  if (ERRORS[code].http !== status) throw new Error(`${code} with status ${status}`);
  return `${code} ${String(json.error).replaceAll(/\d+/g, "#").slice(0, 80)}`;
}

/** The older surface: a result, or a text that begins with a code. */
export function judgeOlder({ status, body }: Answer): string {
  const text = body.toString("utf8");
  if (status === 200) return `answered ${text.includes("NaN") ? "NaN" : ""}`;
  if (text === "Model Not Found") return text;
  return `${demandKnown(text.split(":")[0], `${status} ${text}`)} ${text.replaceAll(/\d+/g, "#").slice(0, 80)}`;
}

/** The answer to what is right. Throws when it was refused. */
export function demandAnswer({ status, body }: Answer): string {
  const text = body.toString("latin1");
  if (status === 200) return text;
  throw new Error(`what is right was refused: ${status} ${text.slice(0, 300)}`);
}
