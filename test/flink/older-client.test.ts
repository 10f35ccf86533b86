// SPDX-License-Identifier: Apache-2.0
// The serving client that was published, unchanged, through the relay to Flink.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Relay, startRelay } from "../../cli/src/serving/relay.ts";
import { ANSWERS, CLIENT, checkPicture, findPython, runClient, runScript, STRINGS } from "../serving/python-client.ts";
import { type FlinkStack, skip, startFlinkStack } from "./stack.ts";

describe("the older client, answered by Flink", { skip }, () => {
  let stack: FlinkStack;
  const relays: Relay[] = [];
  before(async () => {
    stack = await startFlinkStack(["echo", "picture", "numbers"]);
    for (const model of ["echo", "picture", "numbers"]) {
      relays.push(await startRelay(stack.queue.record, { mostRecords: 1e6, mostBytes: 2 ** 30, port: 0, model }));
    }
  });
  after(async () => {
    for (const relay of relays) await relay.close();
    await stack?.stop();
  });

  it("gets right results, for pictures and strings too", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    const [echo, picture, numbers] = relays.map(({ port }) => port);
    assert.deepEqual(await runClient(python, echo ?? 0), ANSWERS);
    await checkPicture(python, picture ?? 0, stack.folder);
    const { job } = stack.queue.record;
    assert.deepEqual(await runScript(python, "older_strings.py", String(numbers), job), STRINGS);
  });
});
