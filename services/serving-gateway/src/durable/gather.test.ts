// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createGathering, type Gathered } from "./gather.ts";

test("requests for different models or versions never go together, whatever their names hold", async () => {
  const sent: (readonly Gathered[])[] = [];
  const gather = createGathering<Gathered>(async (requests) => void sent.push(requests));
  const ask = (model: string, version: string): void => {
    const content = { kind: "tensors", version, inputs: [] } as const;
    const request = { model, content, priority: "normal", seat: { isOver: () => false } } as const;
    gather(request, { inputs: [], rows: 1, key: "", maxRows: 8 });
  };
  const names = [
    ["c", "a b"],
    ["b c", "a"],
    ['c"', "a"],
    ["c", 'a"'],
  ] as const;
  for (const [model, version] of [...names, ...names]) ask(model, version);
  await turn();
  assert.deepEqual(
    sent.map((requests) => requests.map(({ model }) => model)),
    names.map(([model]) => [model, model]),
  );
});
