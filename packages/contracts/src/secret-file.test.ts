// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isOpenToOthers, readSecretFile } from "./secret-file.ts";

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

test("it is read by whom it is for, and refused once it is open to others or not there", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-secret-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "secret");
  await assert.rejects(readSecretFile(path), { code: "SERVING_CONFIG" });
  await writeFile(path, "opensesame\n", { mode: 0o600 });
  assert.equal(await readSecretFile(path), "opensesame\n");
  await chmod(path, 0o604);
  await assert.rejects(readSecretFile(path), { code: "KEYRING_UNSAFE" });
});
