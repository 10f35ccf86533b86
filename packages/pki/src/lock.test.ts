// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate as yieldTurn } from "node:timers/promises";
import { findStaleLocks, withLock } from "./lock.ts";
import { makeEmptyFolder } from "./test-folder.ts";

test("work under the lock never overlaps", async () => {
  const folder = await makeEmptyFolder();
  let inside = 0;
  let done = 0;
  const work = async () => {
    inside++;
    assert.equal(inside, 1);
    await yieldTurn();
    assert.equal(inside, 1);
    inside--;
    done++;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(folder, work)));
  assert.equal(done, 5);
  assert.deepEqual(await readdir(folder), []);
});

test("the lock is given back when the work fails", async () => {
  const folder = await makeEmptyFolder();
  await assert.rejects(
    withLock(folder, async () => {
      throw new RangeError("failed");
    }),
    RangeError,
  );
  assert.deepEqual(await readdir(folder), []);
});

test("the lock of a dead process, a reused process id or an earlier boot holds nobody back", async () => {
  const folder = await makeEmptyFolder();
  const own = await withLock(folder, async () => (await readdir(folder))[0] ?? "");
  const [, startTime = "", boot = "", namespace = ""] = own.split("_");
  const dead = [
    // Beyond the largest process id that Linux gives.
    `lock-4194305_${startTime}_${boot}_${namespace}_aa`,
    `lock-${process.pid}_1_${boot}_${namespace}_bb`,
    `lock-${process.pid}_${startTime}_00000000_${namespace}_cc`,
    `lock-x_1_${boot}_${namespace}_dd`,
  ];
  for (const name of dead) await writeFile(join(folder, name), "");
  assert.deepEqual((await findStaleLocks(folder)).sort(), dead.sort());
  assert.equal(await withLock(folder, async () => (await readdir(folder)).length), 1);
});

test("a live process, or one of another container that cannot be seen, holds the lock", async () => {
  const folder = await makeEmptyFolder();
  const own = await withLock(folder, async () => (await readdir(folder))[0] ?? "");
  const [holder = "", startTime = "", boot = "", namespace = ""] = own.split("_");
  for (const name of [own, `lock-4194305_${startTime}_${boot}_${namespace}1_aa`]) {
    await writeFile(join(folder, name), "");
    assert.deepEqual(await findStaleLocks(folder), [], holder);
    await assert.rejects(
      withLock(folder, async () => undefined, { attempts: 2 }),
      { code: "KEYS_LOCKED" },
    );
    assert.deepEqual(await readdir(folder), [name]);
    await rm(join(folder, name));
  }
});
