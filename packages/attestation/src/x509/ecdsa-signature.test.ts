// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { readWhole, TAG } from "../der/reader.ts";
import { toIntegerBytes } from "../der/values.ts";
import { toDerSignature } from "./ecdsa-signature.ts";

test("any r || s becomes two integers in their shortest form", () => {
  const half = (length: number) =>
    fc.oneof(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.nat(length).map((zeroes) => new Uint8Array(length).fill(0x80, zeroes)),
    );
  fc.assert(
    fc.property(
      fc.constantFrom(32, 48).chain((n) => fc.tuple(half(n), half(n))),
      ([r, s]) => {
        const der = toDerSignature(Buffer.concat([r, s]));
        const read = readWhole(der, (outer) => {
          const reader = outer.enter();
          const numbers = [toIntegerBytes(reader.read(TAG.integer)), toIntegerBytes(reader.read(TAG.integer))];
          reader.end();
          return numbers.map((bytes) => BigInt(`0x${bytes.toString("hex")}`));
        });
        assert.deepEqual(
          read,
          [r, s].map((bytes) => BigInt(`0x${Buffer.from(bytes).toString("hex")}`)),
        );
      },
    ),
  );
});

test("what is written this way verifies", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  for (let round = 0; round < 50; round++) {
    const bytes = Buffer.from(`round ${round}`);
    const signature = sign("sha256", bytes, { key: privateKey, dsaEncoding: "ieee-p1363" });
    assert.ok(verify("sha256", bytes, publicKey, toDerSignature(signature)));
  }
});
