// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { callUnauthenticated } from "./probes.ts";

const BODY_OFFSET = 21;
/** First bytes of a SaslMessage and an AuthMessage (Spark's network-common). */
const FIRST_STEPS = [0xea, 0xfb];

test("a stranger's call is nothing that Spark takes for the first step of an authentication", async (context) => {
  const { port, caller } = await listen(context);
  const called = callUnauthenticated(port);
  const socket = await caller;
  const [request] = (await once(socket, "data")) as [Buffer];
  assert.equal(request.readBigInt64BE(0), BigInt(request.length));
  assert.ok(!FIRST_STEPS.includes(request.readUInt8(BODY_OFFSET)));
  socket.destroy();
  assert.deepEqual(await called, { refusal: undefined, closed: true });
});

async function listen(context: TestContext): Promise<{ port: number; caller: Promise<Socket> }> {
  const server: Server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => server.close());
  const caller = once(server, "connection").then(([socket]) => socket as Socket);
  return { port: (server.address() as AddressInfo).port, caller };
}
