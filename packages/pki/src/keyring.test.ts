// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addKey,
  describeKeyring,
  EMPTY_KEYRING,
  type Keyring,
  parseKeyring,
  rotateKey,
  selectKeys,
  serializeKeyring,
} from "./keyring.ts";
import { NOW } from "./test-folder.ts";

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const keyring = fc.uniqueArray(fc.tuple(id, fc.nat(3)), { selector: ([name]) => name, maxLength: 6 }).map((entries) =>
  entries.reduce((ring, [name, rotations]) => {
    let grown = addKey(ring, name, NOW);
    for (let count = 0; count < rotations; count++) grown = rotateKey(grown, name, NOW);
    return grown;
  }, EMPTY_KEYRING),
);

test("any keyring survives writing and reading", () => {
  fc.assert(fc.property(keyring, (ring) => assert.deepEqual(parseKeyring(serializeKeyring(ring)), ring)));
});

test("a description of any keyring holds no key", () => {
  fc.assert(
    fc.property(keyring, (ring) => {
      const text = JSON.stringify(describeKeyring(ring));
      for (const version of ring.keys.flatMap((key) => key.versions)) assert.ok(!text.includes(version.key));
      assert.deepEqual(
        describeKeyring(ring).map((key) => key.id),
        ring.keys.map((key) => key.id),
      );
    }),
  );
});

test("rotation adds a current version and keeps the older ones as they were", () => {
  const before = addKey(addKey(EMPTY_KEYRING, "patients", NOW), "sales", NOW);
  const after = rotateKey(before, "patients", NOW);
  const [patients, sales] = after.keys;
  assert.equal(patients?.current, 2);
  assert.deepEqual(patients?.versions[0], before.keys[0]?.versions[0]);
  assert.notEqual(patients?.versions[1]?.key, patients?.versions[0]?.key);
  assert.equal(Buffer.from(patients?.versions[1]?.key ?? "", "base64").length, 32);
  assert.deepEqual(sales, before.keys[1]);
});

test("a selection holds what was asked for and nothing else", () => {
  fc.assert(
    fc.property(keyring, fc.infiniteStream(fc.boolean()), (ring, coin) => {
      const wanted = ring.keys.map((key) => key.id).filter(() => coin.next().value === true);
      assert.deepEqual(
        selectKeys(ring, wanted).keys,
        ring.keys.filter((key) => wanted.includes(key.id)),
      );
    }),
  );
});

test("absent keys are named all at once", () => {
  assert.throws(() => selectKeys(addKey(EMPTY_KEYRING, "a", NOW), ["a", "b", "c"]), {
    code: "KEY_MISSING",
    findings: ["b", "c"].map((name) => ({
      code: "KEY_MISSING",
      message: `No data key is called "${name}"`,
      mend: `bulwark keys init --data ${name}`,
    })),
  });
  assert.throws(() => rotateKey(EMPTY_KEYRING, "a", NOW), { code: "KEY_MISSING" });
});

test("a name twice, or one that is no name, is refused", () => {
  assert.throws(() => addKey(addKey(EMPTY_KEYRING, "a", NOW), "a", NOW), { code: "KEY_EXISTS" });
  for (const name of ["", ".a", "-a", "a b", "a/b", "../a", "ä", "a\n", "a".repeat(65)]) {
    assert.throws(() => addKey(EMPTY_KEYRING, name, NOW), { code: "KEY_NAME_INVALID" }, JSON.stringify(name));
  }
});

test("what is not exactly a keyring is refused, and the error quotes no key", () => {
  const good = addKey(EMPTY_KEYRING, "a", NOW);
  const key = good.keys[0]?.versions[0]?.key ?? "";
  const text = serializeKeyring(good);
  const variants = [
    "",
    "null",
    "[]",
    text.slice(0, -3),
    text.replace('"version": 1,\n  "keys"', '"version": 2,\n  "keys"'),
    text.replace('"current": 1', '"current": 2'),
    text.replace('"id": "a"', '"id": "a b"'),
    text.replace('"id": "a"', '"id": "a", "extra": 1'),
    text.replace(key, key.slice(4)),
    text.replace(key, `${key.slice(0, -1)}`),
    text.replace(key, `${key}\\n`),
    text.replace(NOW.toISOString(), "yesterday"),
    JSON.stringify({ version: 1, keys: [...good.keys, ...good.keys] } satisfies Keyring),
  ];
  for (const variant of variants) {
    assert.notEqual(variant, text);
    assert.throws(
      () => parseKeyring(variant),
      (error: Error & { code: string }) => error.code === "KEYRING_INVALID" && !error.message.includes(key.slice(0, 8)),
      variant,
    );
  }
});
