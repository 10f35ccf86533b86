// SPDX-License-Identifier: Apache-2.0
// What a server sends in one piece with its answer is not lost: the first frames of a port, and of a command's output.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { createConnection } from "./connection.ts";
import { forwardPort, runInPod } from "./sockets.ts";

// RFC 6455: what is put behind the caller's key, and the opcodes of a frame that is whole.
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const BINARY = 0x82;
const CLOSE = 0x88;

const frame = (opcode: number, ...content: (Buffer | readonly number[])[]): Buffer => {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([opcode, bytes.length]), bytes]);
};

/** A server that accepts a WebSocket and says everything at once, and a connection to it. */
async function startHasty(frames: readonly Buffer[]) {
  const server = createServer();
  server.on("upgrade", ({ headers }: IncomingMessage, socket: Duplex) => {
    const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${GUID}`).digest("base64");
    const answer = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${accept}`,
      "Sec-WebSocket-Protocol: v4.channel.k8s.io",
    ];
    socket.on("error", () => undefined);
    socket.end(Buffer.concat([Buffer.from(`${answer.join("\r\n")}\r\n\r\n`), ...frames]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connection = createConnection(
    { context: "hasty", server: url, namespace: "runs", credentials: { type: "anonymous" } },
    { runProgram: async () => "", now: () => new Date() },
  );
  return { connection, [Symbol.dispose]: () => void server.close() };
}

const makePlace = () => ({ namespace: "runs", pod: "pi", signal: AbortSignal.timeout(10_000) });

test("a forwarded port gives the bytes after its greeting, however early they come", async () => {
  using server = await startHasty([
    frame(BINARY, [0, 0x58, 0x11]),
    frame(BINARY, [1, 0x58, 0x11]),
    frame(BINARY, [0], Buffer.from("hello")),
    frame(CLOSE),
  ]);
  const got: Buffer[] = [];
  const local = new Duplex({
    read: () => undefined,
    write(chunk, _encoding, done) {
      got.push(chunk);
      done();
    },
  });
  await forwardPort(server.connection, { ...makePlace(), port: 4440 }, local);
  assert.equal(Buffer.concat(got).toString(), "hello");
});

test("a command's first output is not lost, however early it comes", async () => {
  const status = Buffer.from(JSON.stringify({ status: "Success" }));
  using server = await startHasty([
    frame(BINARY, [1], Buffer.from("first ")),
    frame(BINARY, [1], Buffer.from("second")),
    frame(BINARY, [3], status),
    frame(CLOSE),
  ]);
  const got: Buffer[] = [];
  const command = { ...makePlace(), container: "spark-driver", command: ["tar"] };
  const { exitCode } = await runInPod(server.connection, command, async (bytes) => void got.push(bytes));
  assert.equal(exitCode, 0);
  assert.equal(Buffer.concat(got).toString(), "first second");
});
