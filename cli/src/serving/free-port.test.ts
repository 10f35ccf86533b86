// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { findFreePort } from "./free-port.ts";

test("a free port can be listened on, and is none that outgoing connections are given", async () => {
  const port = await findFreePort();
  assert.ok(port < 32_768, String(port));
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
});
