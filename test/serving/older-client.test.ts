// SPDX-License-Identifier: Apache-2.0
// The serving client that was published, unchanged, through the relay to a real engine.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Relay, startRelay } from "../../cli/src/serving/relay.ts";
import { askRelay } from "./ask-relay.ts";
import { ANSWERS, CLIENT, checkPicture, findPython, MARKER, runClient } from "./python-client.ts";
import { type QueueStack, skip, startQueueStack } from "./stack.ts";

const LIMITS = { mostRecords: 1e6, mostBytes: 2 ** 30 };

describe("the older client", { skip }, () => {
  let stack: QueueStack;
  let relay: Relay;
  before(async () => {
    stack = await startQueueStack(["echo", "picture"]);
    relay = await startRelay(stack.queue.record, { ...LIMITS, port: 0, model: "echo" });
  });
  after(async () => {
    await relay?.close();
    await stack?.stop();
  });

  it("gets right results for all it can send", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    assert.deepEqual(await runClient(python, relay.port), ANSWERS);
    const data = join(stack.folder, "serving", "redis", "data", "appendonlydir");
    const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
    assert.ok(
      files.some((content) => content.includes("marked")),
      "the append-only file was looked at",
    );
    for (const trace of traceMarker()) assert.ok(!files.some((content) => content.includes(trace)));
  });

  it("gets right results for pictures", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    const pictures = await startRelay(stack.queue.record, { ...LIMITS, port: 0, model: "picture" });
    try {
      await checkPicture(python, pictures.port, stack.folder);
    } finally {
      await pictures.close();
    }
  });

  it("gets no further than that", async () => {
    const ask = (...words: string[]): Promise<string> => askRelay(relay.port, words);
    assert.match(await ask("FLUSHALL"), /^-ERR/);
    assert.match(await ask("KEYS", "*"), /^-NOPERM/);
    assert.match(await ask("XADD", "another", "*", "uri", "a", "data", "b"), /^-NOPERM/);
    assert.match(await ask("XADD", "serving_stream", "*", "uri", "a:b", "data", "b"), /^-ERR QUEUE_URI_INVALID/);
    assert.match(await ask("HGETALL", "serving_stream:bytes"), /^-ERR QUEUE_REFUSED/);
    assert.match(await ask("DEL", "serving_stream"), /^-ERR QUEUE_REFUSED/);
    assert.match(await ask("INFO"), /redis_version:\d/);
  });
});

/** How the markers would look: as they lie in memory, and in base64, wherever they begin in it. */
function traceMarker(): Buffer[] {
  const bytes = Buffer.from(Float32Array.of(MARKER, MARKER, MARKER, MARKER).buffer);
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    return Buffer.from(text.slice(4, 20));
  });
  return [bytes, ...inBase64];
}
