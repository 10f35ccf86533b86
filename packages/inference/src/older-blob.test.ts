// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createCipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { OLDER_CIPHERS, type OlderCipher } from "@bulwark/contracts/older-ciphers";
import fc from "fast-check";
import { deriveOlderKey, openOlderModel } from "./older-blob.ts";

const SECRETS = { secret: "analytics-zoo é", salt: "intel-analytics" };

/** As BigDL's rule says, and as its tools wrote: IV, ciphertext, and with GCM a tag. */
function encrypt(cipher: OlderCipher, plain: Buffer, { isPython = false } = {}): Buffer {
  const bits = Number(cipher.slice(4, 7));
  const key = pbkdf2Sync(SECRETS.secret, SECRETS.salt, 65_536, bits / 8, "sha256");
  if (cipher.endsWith("gcm")) {
    const iv = randomBytes(12);
    const made = createCipheriv(cipher as "aes-256-gcm", key, iv);
    return Buffer.concat([iv, made.update(plain), made.final(), made.getAuthTag()]);
  }
  const iv = randomBytes(16);
  // The Python tool hands the key's bits to its padder as the size of a block.
  const block = isPython ? bits / 8 : 16;
  const padding = block - (plain.length % block);
  const made = createCipheriv(cipher, key, iv).setAutoPadding(false);
  return Buffer.concat([iv, made.update(plain), made.update(Buffer.alloc(padding, padding)), made.final()]);
}

const MODEL = Buffer.from([...Array(256).keys(), 0x08, 0x07, 0xff]);

for (const cipher of OLDER_CIPHERS) {
  test(`${cipher}: every form that BigDL wrote comes back`, async () => {
    const open = await deriveOlderKey(cipher, SECRETS);
    for (const isPython of [false, true]) {
      assert.deepEqual(openOlderModel(encrypt(cipher, MODEL, { isPython }), open), MODEL);
      // Scala reads and writes text alone: a model's bytes as characters of ISO-8859-1, the whole in base64.
      const text = Buffer.from(MODEL.toString("latin1"), "utf8");
      const written = encrypt(cipher, text, { isPython }).toString("base64");
      assert.deepEqual(openOlderModel(Buffer.from(written), open), MODEL);
      assert.deepEqual(openOlderModel(Buffer.from(`${written}\n`), open), MODEL);
      const bytes = encrypt(cipher, MODEL, { isPython }).toString("base64");
      assert.deepEqual(openOlderModel(Buffer.from(bytes), open), MODEL);
    }
  });

  test(`${cipher}: other secrets, the other length of the key, and cuts are refused`, async () => {
    const isGcm = cipher.endsWith("gcm");
    const blob = encrypt(cipher, MODEL);
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
  const blob = encrypt("aes-256-gcm", MODEL);
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
  const blob = encrypt("aes-128-cbc", MODEL);
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
