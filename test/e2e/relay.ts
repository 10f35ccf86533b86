// SPDX-License-Identifier: Apache-2.0
// Somebody between executor and driver, who passes everything on or changes one byte.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export type Relay = {
  port: number;
  /** Connections whose bytes were changed, and those of them that the far side then ended. */
  seen: { changed: number; ended: number };
  close(): void;
};

/** What is made of the chunk with this number, counted from 1, that a caller sends. */
export type Alter = (chunk: Buffer, number: number) => Buffer;

/** Handshakes of either profile are over by then; what follows is protected data. */
const FIRST_DATA_CHUNK = 3;

export const passOn: Alter = (chunk) => chunk;

/** Flips one bit of the last byte of one chunk. */
export const flipOneBit: Alter = (chunk, number) => {
  if (number !== FIRST_DATA_CHUNK) return chunk;
  const changed = Buffer.from(chunk);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  return changed;
};

/** Listens on a free port of loopback and relays every connection to `port`. */
export async function startRelay(port: number, alter: Alter): Promise<Relay> {
  const sockets = new Set<Socket>();
  const seen = { changed: 0, ended: 0 };
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port });
    let number = 0;
    let changed = false;
    near.on("data", (chunk: Buffer) => {
      const sent = alter(chunk, ++number);
      if (sent !== chunk) {
        changed = true;
        seen.changed++;
      }
      far.write(sent);
    });
    far.on("data", (chunk: Buffer) => near.write(chunk));
    // Who ends a changed connection first is who noticed: the near side ends it only because of its own end.
    far.once("end", () => {
      if (changed && !near.readableEnded) seen.ended++;
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("end", () => other.end());
      socket.once("close", () => other.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
