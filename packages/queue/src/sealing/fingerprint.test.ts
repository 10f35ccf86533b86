// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { findKeyMismatches, fingerprintKeys } from "./fingerprint.ts";

const [one, other] = [randomBytes(32), randomBytes(32)];
const fingerprint = (id: string, ...keys: Buffer[]) =>
  fingerprintKeys({ id, versions: keys.map((key, at) => ({ version: at + 1, key: key.toString("base64") })) });

test("a fingerprint is the same for a key wherever it is made, and another for each key, name and version", () => {
  assert.deepEqual(fingerprint("k", one, other), fingerprint("k", one, other));
  const all = [...fingerprint("k", one, one, other), ...fingerprint("l", one)].map(({ check }) => check);
  assert.equal(new Set(all).size, 4);
  for (const check of all) assert.match(check, /^[\w-]{22}$/);
  // Of other keys of the same form it never changes: engines and gateways of other versions compare it.
  const fixed = fingerprintKeys({ id: "k", versions: [{ version: 1, key: Buffer.alloc(32, 7).toString("base64") }] });
  assert.deepEqual(fixed, [{ id: "k", version: 1, check: "o7oJQnbjsuivBqBAi2Wc8w" }]);
});

test("only a key of the same name and version that is another is a mismatch", () => {
  const ours = fingerprint("k", one, other);
  const find = (theirs: typeof ours) => findKeyMismatches(ours, theirs).map(({ version }) => version);
  assert.deepEqual(find(fingerprint("k", one, other)), []);
  assert.deepEqual(find(fingerprint("k", one, other, one)), []);
  assert.deepEqual(find(fingerprint("l", other, one)), []);
  assert.deepEqual(find([]), []);
  assert.deepEqual(find(fingerprint("k", one, one)), [2]);
  assert.deepEqual(find([{ id: "k", version: 1, check: "" }]), [1]);
});
