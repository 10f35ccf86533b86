// SPDX-License-Identifier: Apache-2.0
// Entries that no client of ours writes, put straight into the stream of a real Redis before a real engine. BULWARK_FUZZ_ENTRIES sets
// how many; `npm run fuzz -- queue` does the same.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { listDeadLetters, SEALED } from "../../packages/queue/src/index.ts";
import { askQueue, type Entry, fuzzEntries, isQueueEmpty, names, writeEntries } from "./fuzz-entries.ts";
import { fuzzRelay } from "./fuzz-relay.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const ENTRIES = Number(process.env.BULWARK_FUZZ_ENTRIES ?? 2_000);
const SEED = 11;
const COMMANDS = 2_000;
const MOST_RELAY_MIB = 512;
/** More than Lua hands to a command at once. */
const MANY_FIELDS = 5_000;

describe("entries of strangers", { skip }, () => {
  let stack: QueueStack;
  before(async () => {
    stack = await startQueueStack(["echo"]);
  });
  after(() => stack?.stop());

  it("end, each with an answer or as a dead letter with its reason, and hold nobody up", async (context) => {
    const { failures, letters, reasons } = await fuzzEntries(stack, { inputs: ENTRIES, seed: SEED });
    context.diagnostic(`${letters} dead letters of ${ENTRIES} entries: ${reasons.join(", ")}`);
    assert.deepEqual(failures, []);
    assert.ok(letters > Math.min(ENTRIES / 4, 2_000) && reasons.length > 1);
  });

  it("come to the relay as well, and are answered, while its clients get their own numbers", async (context) => {
    const { failures, inputs, asked, outcomes, rssMiB } = await fuzzRelay(stack, { inputs: COMMANDS, seed: SEED });
    context.diagnostic(`${inputs} inputs, answered in ${outcomes} ways`);
    assert.deepEqual(failures, []);
    assert.ok(inputs === COMMANDS && asked > 1 && outcomes > 20, JSON.stringify({ inputs, asked, outcomes }));
    assert.ok(rssMiB.most < MOST_RELAY_MIB, JSON.stringify(rssMiB));
  });

  it("with more fields than a script can pass on are dead letters, too, and take nothing with them", async () => {
    const readLetters = () => askQueue(stack, (link) => listDeadLetters(link, names, 10_000));
    const many = Array.from({ length: MANY_FIELDS }, (_, at) => [`field-${at}`, "x"]).flat();
    const former = (await readLetters()).length;
    const bad: Entry = ["uri", "many", "data", "no record", "serde", SEALED, ...many];
    const plain: Entry = ["uri", "few", "data", "no record", "serde", SEALED];
    await writeEntries(stack, [plain, bad, bad, plain, bad, plain]);
    await until(() => isQueueEmpty(stack));
    const letters = await readLetters();
    assert.equal(letters.length, former + 6);
    assert.deepEqual(new Set(letters.slice(0, 6).map(({ uri }) => uri)), new Set(["many", "few"]));
    assert.doesNotMatch(stack.readLogs(), /record left/);
  });
});
