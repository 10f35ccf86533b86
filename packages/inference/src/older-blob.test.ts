// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { OLDER_CIPHERS, type OlderCipher } from "@bulwark/contracts/older-ciphers";
import fc from "fast-check";
import { deriveOlderKey, openOlderModel } from "./older-blob.ts";
import {
  encryptAsOlder,
  OLDER_MODEL as MODEL,
  OLDER_SECRETS as SECRETS,
  writeOlderModels,
} from "./testing/older-blob.ts";

for (const cipher of OLDER_CIPHERS) {
  test(`${cipher}: every form that BigDL wrote comes back`, async () => {
    const open = await deriveOlderKey(cipher, SECRETS);
    for (const isPython of [false, true]) {
      for (const file of writeOlderModels(cipher, { isPython })) assert.deepEqual(openOlderModel(file, open), MODEL);
    }
  });

  test(`${cipher}: other secrets, the other length of the key, and cuts are refused`, async () => {
    const isGcm = cipher.endsWith("gcm");
    const blob = encryptAsOlder(cipher, MODEL);
    const other = cipher.replace(/128|256/, (bits) => (bits === "128" ? "256" : "128")) as OlderCipher;
    for (const open of [
      await deriveOlderKey(cipher, { ...SECRETS, secret: "wrong" }),
      await deriveOlderKey(cipher, { ...SECRETS, salt: "wrong" }),
      await deriveOlderKey(other, SECRETS),
    ]) {
      // CBC says so in most cases alone: its padding happens to fit once in about 256.
      if (isGcm) assert.throws(() => open(blob), { code: "KEY_WRONG" });
      else assert.notDeepEqual(tryOpen(open, blob), MODEL);
    }
    const open = await deriveOlderKey(cipher, SECRETS);
    for (const cut of [0, 12, 27, 31]) {
      const code = isGcm && cut > 27 ? "KEY_WRONG" : "DATA_TRUNCATED";
      assert.throws(() => open(blob.subarray(0, cut)), { code }, `${cut} bytes`);
    }
    assert.throws(() => open(blob.subarray(0, -1)), { code: isGcm ? "KEY_WRONG" : "DATA_TRUNCATED" });
  });
}

const tryOpen = (open: (blob: Buffer) => Buffer, blob: Buffer): Buffer | undefined => {
  try {
    return open(blob);
  } catch (error) {
    assert.equal((error as BulwarkError).code, "KEY_WRONG");
    return undefined;
  }
};

test("with GCM every changed byte is refused", async () => {
  const open = await deriveOlderKey("aes-256-gcm", SECRETS);
  const blob = encryptAsOlder("aes-256-gcm", MODEL);
  fc.assert(
    fc.property(fc.nat({ max: blob.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(blob);
      changed[at] = (changed[at] ?? 0) ^ flip;
      assert.throws(() => open(changed), { code: "KEY_WRONG" });
    }),
  );
});

test("with CBC a changed block opens unnoticed: what the warnings are about", async () => {
  const open = await deriveOlderKey("aes-128-cbc", SECRETS);
  const blob = encryptAsOlder("aes-128-cbc", MODEL);
  blob[3] = (blob[3] ?? 0) ^ 0xff;
  const opened = open(blob);
  assert.equal(opened.length, MODEL.length);
  assert.notDeepEqual(opened, MODEL);
});

test("whatever it is given, it ends with a code", async () => {
  const opens = await Promise.all(OLDER_CIPHERS.map((cipher) => deriveOlderKey(cipher, SECRETS)));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 3 }), (bytes, which) => {
      try {
        openOlderModel(Buffer.from(bytes), opens[which] as (blob: Uint8Array) => Buffer);
      } catch (error) {
        assert.ok(error instanceof BulwarkError);
      }
    }),
  );
});
