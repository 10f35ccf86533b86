// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import fc from "fast-check";
import { createTestFolder } from "../../testing/context.ts";
import { createRunner } from "../../testing/run-line.ts";

const home = createTestFolder("bulwark-show-");
const { run } = createRunner(home, new Date("2026-03-01T12:00:00.000Z"));

await run("attest simulate --to tdx");
await run("attest simulate --to sgx --tee sgx --quote-version 5");
const read = (path: string): Buffer => readFileSync(join(home, path));
const token = `${Buffer.from('{"alg":"ES256"}').toString("base64url")}.${Buffer.from('{"submods":{"cpu0":{"ear.status":"none"}}}').toString("base64url")}.AAAA`;
const SEEDS = [
  read("tdx/evidence.bin"),
  read("sgx/evidence.bin"),
  read("tdx/collateral.json"),
  read("tdx/root.pem"),
  Buffer.from(token),
  Buffer.from(read("sgx/evidence.bin").toString("base64")),
  // A report of SEV-SNP needs no signature to be shown.
  Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.alloc(0x30), Buffer.from([1]), Buffer.alloc(1184 - 0x35)]),
];

/** Ways to spoil bytes. */
const spoil = fc
  .tuple(fc.constantFrom("flip", "cut", "insert", "none"), fc.nat(8000), fc.nat(255))
  .map(([how, where, byte]) => (bytes: Buffer): Buffer => {
    const at = where % Math.max(1, bytes.length);
    if (how === "flip") return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)]);
    if (how === "cut") return bytes.subarray(0, at);
    return how === "insert" ? Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]) : bytes;
  });

test("property: no bytes make show fail without a code, or say that it verified", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.constantFrom(...SEEDS),
        fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
      ),
      fc.array(spoil, { maxLength: 3 }),
      async (seed, spoils) => {
        const bytes = spoils.reduce((given: Buffer, change) => change(given), seed);
        try {
          const { value } = await run("attest show -", { stdin: Readable.from([bytes]) });
          assert.equal((value as { verified: boolean }).verified, false);
        } catch (error) {
          assert.ok(error instanceof BulwarkError, error instanceof Error ? error.stack : String(error));
        }
      },
    ),
    { numRuns: 600 },
  );
});
