// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nameKeys } from "../names.ts";
import { readDelivery, readRun, writeOutcome } from "./delivery.ts";
import type { Argument } from "./link.ts";

const flat = ["uri", "u", "data", "d", "budget", "500"].map((text) => Buffer.from(text));
const delivery = readDelivery({ stream: 1, id: "1000-0", flat }, { deliveries: 1, offsetMs: 40 });

test("the engine's clock says when a record came in and when it is too late", () => {
  assert.deepEqual([delivery.queuedAt, delivery.deadline], [960, 1460]);
});

test("what is told of a run is read as it was written; of anything else nothing is believed", () => {
  const args: Argument[] = [];
  const run = { computeUs: 1234.4, rows: 3, requests: 2 };
  writeOutcome([], args, nameKeys("j"), { delivery, value: "v", run });
  const told = Buffer.from(String(args.at(-1)));
  assert.deepEqual(readRun(told), { computeUs: 1234, rows: 3, requests: 2 });
  const none: Argument[] = [];
  writeOutcome([], none, nameKeys("j"), { delivery, value: "v" });
  assert.deepEqual([none.at(-1), readRun(Buffer.alloc(0)), readRun(undefined)], ["", undefined, undefined]);
  for (const text of ["1 2", "1 2 0", "-1 2 3", "1e9 2 3", "1 2 3 4", "9999999999999 1 1"]) {
    assert.equal(readRun(Buffer.from(text)), undefined, text);
  }
  const property = fc.property(fc.uint8Array(), (bytes) => {
    const read = readRun(Buffer.from(bytes));
    assert.ok(read === undefined || (read.requests > 0 && Number.isSafeInteger(read.computeUs)));
  });
  fc.assert(property);
});
