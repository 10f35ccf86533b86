// SPDX-License-Identifier: Apache-2.0
// The serving client that was published, unchanged, through the relay to Flink.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Relay, startRelay } from "../../cli/src/serving/relay.ts";
import { ANSWERS, CLIENT, findPython, runClient } from "../serving/python-client.ts";
import { type FlinkStack, skip, startFlinkStack } from "./stack.ts";

describe("the older client, answered by Flink", { skip }, () => {
  let stack: FlinkStack;
  let relay: Relay;
  before(async () => {
    stack = await startFlinkStack(["echo"]);
    relay = await startRelay(stack.queue.record, { mostRecords: 1e6, mostBytes: 2 ** 30, port: 0, model: "echo" });
  });
  after(async () => {
    await relay?.close();
    await stack?.stop();
  });

  it("gets right results for all but pictures", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    assert.deepEqual(await runClient(python, relay.port), ANSWERS);
  });
});
