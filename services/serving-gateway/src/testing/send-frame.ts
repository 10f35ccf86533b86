// SPDX-License-Identifier: Apache-2.0
// gRPC as a client that knows HTTP/2 alone sends it: whatever bytes one likes.
import type { ClientHttp2Session } from "node:http2";

/** A message behind its length, which may be said to be another. */
export function frame(message: Buffer, { isPacked = false, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(isPacked ? 1 : 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** How a call ended: gRPC's status, our code where it was refused, the status's message, and what was answered before it. */
export type CallEnd = { status: number; code: string | undefined; text: string; body: Buffer };

type SendOptions = {
  method?: string;
  headers?: Readonly<Record<string, string>>;
  /** It is not said that the bytes are all. */
  isOpen?: boolean;
};

/** One call. Rejects when it is broken off without a status. */
export function sendFrame(
  session: ClientHttp2Session,
  bytes: Buffer,
  { method = "ModelInfer", headers = {}, isOpen = false }: SendOptions = {},
): Promise<CallEnd> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ...{ ":method": "POST", ":path": `/inference.GRPCInferenceService/${method}` },
      ...{ "content-type": "application/grpc", te: "trailers", ...headers },
    });
    const pieces: Buffer[] = [];
    const take = (seen: Readonly<Record<string, unknown>>): void => {
      if (seen["grpc-status"] === undefined) return;
      const text = decodeURI(String(seen["grpc-message"] ?? ""));
      const code = seen["bulwark-code"] as string | undefined;
      resolve({ status: Number(seen["grpc-status"]), code, text, body: Buffer.concat(pieces) });
      stream.close();
    };
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.on("response", take).on("trailers", take).on("error", reject);
    stream.on("close", () => reject(new Error("the call was broken off")));
    stream.write(bytes);
    if (!isOpen) stream.end();
  });
}
