// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { shareMemory } from "./memory.ts";

const GIB = 2 ** 30;

test("three quarters of the machine's memory, or of the container's, shared by the processes", () => {
  assert.equal(shareMemory({ machineBytes: 8 * GIB, containerBytes: 0 }), 6 * GIB);
  assert.equal(shareMemory({ machineBytes: 8 * GIB, containerBytes: 4 * GIB }), 3 * GIB);
  // Linux says so where no limit is set.
  assert.equal(shareMemory({ machineBytes: 8 * GIB, containerBytes: 2 ** 64 }, 3), 2 * GIB);
});
