// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOpenToOthers } from "./secret-file.ts";

const US = 185;
const REGULAR = 0o100000;

test("a file of secrets is for its owner; root may lend it to a group", () => {
  const table: [mode: number, uid: number, own: number | undefined, isOpen: boolean][] = [
    [0o600, US, US, false],
    [0o400, US, US, false],
    [0o440, US, US, true],
    [0o640, US, US, true],
    [0o604, US, US, true],
    // A mounted Secret: root's, readable by the pod's group.
    [0o440, 0, US, false],
    [0o640, 0, US, false],
    [0o460, 0, US, true],
    [0o444, 0, US, true],
    [0o450, 0, US, true],
    [0o440, 0, 0, true],
    [0o400, 0, 0, false],
    [0o440, 1000, US, true],
    [0o440, 1000, undefined, true],
  ];
  for (const [mode, uid, own, isOpen] of table) {
    assert.equal(isOpenToOthers({ mode: REGULAR | mode, uid }, own), isOpen, `${mode.toString(8)} ${uid} ${own}`);
  }
});
