// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError, type Finding } from "@bulwark/contracts";
import { checkAll } from "./check-all.ts";

const finding = (path: string): Finding => ({ code: "DATA_MISSING", path, message: "absent", mend: "make it" });
const data = new BulwarkError("DATA_MISSING", "Two are absent.", "make them", {
  findings: [finding("a"), finding("b")],
});
const tee = new BulwarkError("TEE_ABSENT", "There is no TEE.", "do without");

test("checks that pass give what they found out", async () => {
  assert.deepEqual(await checkAll(Promise.resolve(1), Promise.resolve("two")), [1, "two"]);
});

test("one error stays as it is, several become one with all findings", async () => {
  await assert.rejects(checkAll(Promise.resolve(1), Promise.reject(data)), data);
  await assert.rejects(
    checkAll(Promise.reject(tee), Promise.resolve(1), Promise.reject(data)),
    (error: BulwarkError) => {
      assert.equal(error.code, "TEE_ABSENT");
      assert.deepEqual(
        error.findings.map(({ code, path }) => [code, path]),
        [
          ["TEE_ABSENT", undefined],
          ["DATA_MISSING", "a"],
          ["DATA_MISSING", "b"],
        ],
      );
      return true;
    },
  );
});

test("what is no error of ours is not hidden behind one", async () => {
  const bug = new TypeError("boom");
  await assert.rejects(checkAll(Promise.reject(data), Promise.reject(bug)), bug);
});
