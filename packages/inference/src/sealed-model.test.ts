// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import fc from "fast-check";
import {
  isSealed,
  openSealedModel,
  readSealedHeader,
  type SealedHeader,
  sealModel,
  unwrapWith,
} from "./sealed-model.ts";

const master = (seed: number) => ({ id: "models", version: 2, key: createSecretKey(Buffer.alloc(32, seed)) });
const unwrap = (seed: number) => async (header: SealedHeader) => unwrapWith(master(seed), header);
const seal = (model: Uint8Array) => sealModel(model, master(1), randomBytes);

test("a model comes back as it was, and shows nothing of itself", async () => {
  for (const size of [0, 1, 2 ** 20 - 1, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20]) {
    const model = Buffer.alloc(size, "MARKER of the model");
    const sealed = seal(model);
    assert.ok(isSealed(sealed));
    assert.equal(sealed.includes("MARKER"), false);
    assert.deepEqual(await openSealedModel(sealed, unwrap(1)), model);
    assert.deepEqual(
      { ...readSealedHeader(sealed), wrappedKey: "" },
      {
        keyId: "models",
        keyVersion: 2,
        wrappedKey: "",
        chunkBytes: 2 ** 20,
        size,
      },
    );
  }
});

test("another master key does not open it", async () => {
  await assert.rejects(openSealedModel(seal(Buffer.from("m")), unwrap(2)), { code: "KEY_WRONG" });
});

test("chunks cannot be swapped or left out", async () => {
  const sealed = seal(Buffer.alloc(2 * 2 ** 20, 7));
  const chunk = 2 ** 20 + 16;
  const head = sealed.subarray(0, -2 * chunk);
  const [first, second] = [sealed.subarray(-2 * chunk, -chunk), sealed.subarray(-chunk)];
  await assert.rejects(openSealedModel(Buffer.concat([head, second, first]), unwrap(1)), { code: "DATA_TAMPERED" });
  await assert.rejects(openSealedModel(Buffer.concat([head, first]), unwrap(1)), { code: "DATA_TRUNCATED" });
  await assert.rejects(openSealedModel(Buffer.concat([sealed, second]), unwrap(1)), { code: "DATA_TAMPERED" });
});

test("every change of a byte and every cut is refused", async () => {
  const sealed = seal(Buffer.from("a small model"));
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: sealed.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, flip, isCut) => {
        const bytes = Buffer.from(isCut ? sealed.subarray(0, at) : sealed);
        if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ flip;
        await assert.rejects(openSealedModel(bytes, unwrap(1)), BulwarkError);
      },
    ),
    { numRuns: 2000 },
  );
});
