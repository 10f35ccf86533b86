// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { it } from "node:test";
import { checkUri, nameKeys } from "./names.ts";

it("names streams and results as older clients do", () => {
  const names = nameKeys("serving_stream");
  assert.equal(names.streams[1], "serving_stream");
  assert.equal(names.result("a"), "cluster-serving_serving_stream:a");
});

for (const job of ["", "a b", "a:b", "a*", "x".repeat(200)]) {
  it(`refuses the job ${JSON.stringify(job.slice(0, 10))}`, () => {
    assert.throws(() => nameKeys(job), { code: "QUEUE_NAME_INVALID" });
  });
}

for (const uri of ["", "a:b", "a\0", "é".repeat(300)]) {
  it(`refuses the uri ${JSON.stringify(uri.slice(0, 10))}`, () => {
    assert.throws(() => checkUri(uri), { code: "QUEUE_URI_INVALID" });
  });
}
