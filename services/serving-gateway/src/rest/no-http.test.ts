// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { parseConfig } from "../config.ts";
import { startGateway } from "../start.ts";

test("what is no HTTP gets a code of ours at each port, and nobody beside it is disturbed", async (context) => {
  const settings = { models: import.meta.dirname, httpPort: 0, healthPort: 0 };
  const gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"));
  context.after(() => gateway.close());
  for (const address of [gateway.addresses.http, gateway.addresses.health]) {
    const url = new URL(address ?? "");
    const send = async (bytes: string): Promise<string> => {
      const socket = connect(Number(url.port), url.hostname);
      socket.write(bytes);
      return String(await buffer(socket));
    };
    assert.match(await send("hello\r\n\r\n"), /^HTTP\/1\.1 400 [\s\S]*"code":"SERVING_REQUEST"/);
    const large = `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}`;
    assert.match(await send(large), /^HTTP\/1\.1 431 [\s\S]*"code":"SERVING_HEAD_TOO_LARGE"/);
    assert.equal((await fetch(`${url.origin}/v2/health/live`)).status, 200);
  }
});
