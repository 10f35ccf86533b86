// SPDX-License-Identifier: Apache-2.0
// Metadata of gRPC calls that no client of ours sends.
import { type CallEnd, frame, sendFrame } from "../../services/serving-gateway/src/testing/send-frame.ts";
import { type Connections, demandKnown } from "./fuzz-http.ts";

/** A line for each. */
export const METADATA: readonly Buffer[] = [
  "authorization: Bearer x\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  "grpc-timeout: 10S\ngrpc-encoding: gzip\ngrpc-accept-encoding: identity,deflate,gzip",
  "grpc-timeout: 99999999n\ntracestate: a=b,c=d",
  "grpc-encoding: identity\nuser-agent: grpc-node-js/1.0.0\nx-y-bin: AAECAw==",
  "grpc-message-type: inference.ModelRequest\ngrpc-status: 0\ngrpc-message: %F0",
  "te: trailers\ncontent-type: application/grpc+proto\nbulwark-code: BUG",
  "bulwark-dialect: a\nretry-after: 1\nretry-after: 2",
  "x-forwarded-for: 127.0.0.1\ncookie: a=b; c=d",
].map((text) => Buffer.from(text));

const UNSENDABLE = { name: /[^a-z0-9!#$%&'*+.^_`|~-]/g, value: /[^\x20-\x7e\x80-\xff]/g };
/** What HTTP/2 does not have, or the client says itself. */
const OF_THE_CLIENT = new Set([
  ...["connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-connection"],
  ...["transfer-encoding", "upgrade", ""],
]);

/** Calls a method with what METADATA were made to, and a message. Throws for an answer that may not be. */
export async function sendMetadata(
  { grpc }: Connections,
  input: Buffer,
  { method, message }: { method: string; message: Buffer },
): Promise<string> {
  const lines = input.toString("latin1").split("\n");
  const headers = Object.fromEntries(
    lines.flatMap((line) => {
      const [name = "", ...value] = line.split(":");
      const clean = name.toLowerCase().replaceAll(UNSENDABLE.name, "");
      if (OF_THE_CLIENT.has(clean)) return [];
      // Another word than trailers is none that HTTP/2 has.
      const text = clean === "te" ? "trailers" : value.join(":").replaceAll(UNSENDABLE.value, "").trim();
      return [[clean, text]];
    }),
  );
  const sent = sendFrame(grpc, frame(message), { method, headers });
  // Another type is no gRPC, and is refused as HTTP does, without a status of it.
  if (headers["content-type"]?.startsWith("application/grpc") === false) {
    return sent.then(({ status }) => Promise.reject(new Error(`no gRPC, and ${status}`)), demandBreak);
  }
  const end = await sent;
  return end.status === 0 ? `answered ${method}` : judgeStatus(end);
}

function demandBreak(error: Error): string {
  if (error.message === "the call was broken off") return "no gRPC";
  throw error;
}

/** A status that is none of success. Throws where it has no code of ours. */
export const judgeStatus = ({ status, code, text }: CallEnd): string =>
  `${status} ${demandKnown(code, `${status} ${text}`)} ${text.replaceAll(/\d+/g, "#").slice(0, 80)}`;
