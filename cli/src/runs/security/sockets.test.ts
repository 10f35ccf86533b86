// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { findListeners, isLoopback } from "./sockets.ts";

/** Address to listen on, the address as it is reported, and whether others can reach it. */
const LISTENING: readonly [string, string, boolean][] = [
  ["127.0.0.1", "127.0.0.1", true],
  ["127.1.2.3", "127.1.2.3", true],
  ["0.0.0.0", "0.0.0.0", false],
  ["::1", "::1", true],
  ["::", "0000:0000:0000:0000:0000:0000:0000:0000", false],
  ["::ffff:127.0.0.1", "::ffff:127.0.0.1", true],
];

for (const [host, address, loopback] of LISTENING) {
  test(`a socket that listens on ${host} is found with its address and port`, async (t) => {
    const server = createServer();
    t.after(() => server.close());
    try {
      await once(server.listen({ host, port: 0, ipv6Only: !host.startsWith("::ffff:") }), "listening");
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!["EADDRNOTAVAIL", "EAFNOSUPPORT", "EINVAL"].includes(code)) throw error;
      return t.skip(`this machine has no ${host}`);
    }
    const { port } = server.address() as AddressInfo;
    assert.deepEqual(
      findListeners([process.pid]).filter((listener) => listener.port === port),
      [{ pid: process.pid, address, port }],
    );
    assert.equal(isLoopback(address), loopback);
  });
}

test("a process that is gone listens on nothing", () => {
  assert.deepEqual(findListeners([2 ** 22 + 1]), []);
});

test("addresses that only look like loopback are not", () => {
  for (const address of ["128.0.0.1", "10.127.0.1", "::ffff:10.0.0.1", "1::1", "0.0.0.0"]) {
    assert.equal(isLoopback(address), false, address);
  }
});
