// SPDX-License-Identifier: Apache-2.0
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections (Linux from 32768 on, `ip_local_port_range`; others from
 * 49152 on, RFC 6335). One of those may be taken while its server is down for a moment, even by a client that keeps
 * trying to reach that server: it can be given the very port it wants to reach, and be connected to itself.
 */
const [LOWEST, BEYOND] = [15_000, 32_000];
const TRIES = 100;

/** A port of loopback that nobody has at this moment, and that no outgoing connection is given. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(LOWEST, BEYOND);
    if (await isFree(port)) return port;
  }
  throw new Error(`${TRIES} ports were tried, and none is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
