// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { get } from "node:https";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

const HOST = "127.0.0.1";
const LIMIT_MS = 30_000;

/**
 * Spark's transport frame: length of all, type, request id, length of the body, body (MessageEncoder, RpcRequest). The
 * body is nothing that Spark knows, and always the same: one that begins with 0xEA or 0xFB it would take for the first
 * step of an authentication (SaslMessage, AuthMessage), and refuse in other words.
 */
function unauthenticatedRequest(): Buffer {
  const body = Buffer.alloc(24);
  const frame = Buffer.alloc(21 + body.length);
  frame.writeBigInt64BE(BigInt(frame.length), 0);
  frame.writeUInt8(RPC_REQUEST, 8);
  frame.writeBigInt64BE(1n, 9);
  frame.writeInt32BE(body.length, 17);
  body.copy(frame, 21);
  return frame;
}

const RPC_REQUEST = 3;
const RPC_FAILURE = 5;
const REASON_OFFSET = 21;

/** How a port met a caller who knows no secret. */
export type ProbeAnswer = {
  /** The reason of Spark's failure message, if there was one. */
  refusal: string | undefined;
  closed: boolean;
};

/** Calls a Spark port without authentication, as a stranger would, and reports the answer. */
export async function callUnauthenticated(port: number): Promise<ProbeAnswer> {
  const socket = connectPlain({ host: HOST, port });
  await within(once(socket, "connect"), socket);
  // A port of the AES engine closes the connection of a caller it does not know.
  return callOver(socket, ({ closed }) => closed);
}

/** Makes a TLS handshake with a Spark port, verifying its certificate, and calls it without authentication. */
export async function callUnauthenticatedByTls(
  port: number,
  ca: string,
): Promise<ProbeAnswer & { protocol: string; cipher: string }> {
  const socket = connectTls({ host: HOST, port, ca });
  await within(once(socket, "secureConnect"), socket);
  const protocol = socket.getProtocol() ?? "none";
  const cipher = socket.getCipher().name;
  // Under TLS Spark answers with a failure, and leaves the connection to the caller.
  const answer = await callOver(socket, ({ closed, refusal }) => closed || refusal !== undefined);
  return { ...answer, protocol, cipher };
}

/** Sends the request and collects the answer until it is `complete`, or the limit is reached. */
async function callOver(socket: Socket, complete: (answer: ProbeAnswer) => boolean): Promise<ProbeAnswer> {
  const received: Buffer[] = [];
  let closed = false;
  const read = (): ProbeAnswer => ({ refusal: parseRefusal(Buffer.concat(received)), closed });
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LIMIT_MS);
    const check = (): void => {
      if (!complete(read())) return;
      clearTimeout(timer);
      resolve();
    };
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      check();
    });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      closed = true;
      check();
    });
    socket.write(unauthenticatedRequest());
  });
  socket.destroy();
  return read();
}

/** The first line of a failure message; undefined for others, and until all of it is there. */
function parseRefusal(answer: Buffer): string | undefined {
  if (answer.length <= REASON_OFFSET || answer.readUInt8(8) !== RPC_FAILURE) return undefined;
  if (answer.length < answer.readBigInt64BE(0)) return undefined;
  return answer.subarray(REASON_OFFSET).toString("utf8").split("\n")[0];
}

/** What a GET of the UI gave, and how the connection was protected. */
export type UiAnswer = { status: number; protocol: string; cipher: string };

/** Asks for a page of the UI without a token, as a stranger would, verifying its certificate. */
export async function askUi(url: string, ca: string): Promise<UiAnswer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { ca, agent: false, timeout: LIMIT_MS }, (response) => {
      const socket = response.socket as TLSSocket;
      resolve({
        status: response.statusCode ?? 0,
        protocol: socket.getProtocol() ?? "none",
        cipher: socket.getCipher().name,
      });
      response.destroy();
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
  });
}

async function within<T>(promise: Promise<T>, socket: Socket): Promise<T> {
  const timer = setTimeout(() => socket.destroy(new Error("no answer in time")), LIMIT_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
