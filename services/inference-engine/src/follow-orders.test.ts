// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Order, OrderVerb } from "@bulwark/queue";
import { followOrders } from "./follow-orders.ts";

const order = (at: number, verb: OrderVerb, model: string): Order => ({ id: `${at}-0`, verb, model });

test("what is no order hides none that failed, and is not told of one by one", async () => {
  const problem = new BulwarkError("RECORD_TAMPERED", "it does not open", "look");
  const strange = Array.from({ length: 500 }, (_, at): Order => ({ id: `${at + 2}-0`, problem }));
  const batches = [[order(1, "load", "broken"), ...strange], strange];
  const events: string[] = [];
  const follower = followOrders({
    orders: { readNew: async () => batches.shift() ?? [] },
    engine: {
      load: async () => assert.fail(new BulwarkError("MODEL_LOAD_FAILED", "it is broken", "mend it")),
      unload: async () => {},
    },
    report: (event) => void events.push(event),
  });
  while (await follower.follow());
  const codes = follower.carriedOut().failures.map(({ code }) => code);
  assert.deepEqual([codes.shift(), new Set(codes)], ["MODEL_LOAD_FAILED", new Set(["RECORD_TAMPERED"])]);
  assert.ok(codes.length < 20 && events.length < 40, `${codes.length} ${events.length}`);
});

test("the last order for a model counts, and failures are told of by their orders", async () => {
  const done: string[] = [];
  const batches: Order[][] = [
    [order(1, "unload", "a"), order(2, "unload", "b"), order(3, "load", "a"), order(4, "load", "broken")],
    [{ id: "5-0", problem: new BulwarkError("RECORD_TAMPERED", "it does not open", "look") }],
  ];
  const act = (verb: OrderVerb) => async (model: string) => {
    if (model === "broken") throw new BulwarkError("MODEL_LOAD_FAILED", "it is broken", "mend it");
    done.push(`${verb} ${model}`);
  };
  const follower = followOrders({
    orders: { readNew: async () => batches.shift() ?? [] },
    engine: { load: act("load"), unload: act("unload") },
    report: () => {},
  });
  assert.deepEqual(follower.carriedOut(), { upTo: "0-0", failures: [] });
  assert.deepEqual(await Promise.all([follower.follow(), follower.follow()]), [true, true], "one reading for both");
  assert.deepEqual(done, ["unload b", "load a"]);
  assert.partialDeepStrictEqual(follower.carriedOut(), {
    upTo: "4-0",
    failures: [{ order: "4-0", code: "MODEL_LOAD_FAILED" }],
  });
  assert.equal(await follower.follow(), true);
  assert.equal(await follower.follow(), false);
  assert.equal(follower.carriedOut().upTo, "5-0");
  assert.deepEqual(
    follower.carriedOut().failures.map(({ code }) => code),
    ["MODEL_LOAD_FAILED", "RECORD_TAMPERED"],
  );
});
