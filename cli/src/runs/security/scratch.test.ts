// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { looksEncrypted, watchScratch } from "./scratch.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulwark-scratch-"));
});
after(() => rm(folder, { recursive: true }));

/** As Spark writes it: the initialisation vector, then AES-CTR. */
function encrypt(plain: Uint8Array): Buffer {
  const iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-ctr", randomBytes(32), iv);
  return Buffer.concat([iv, cipher.update(plain), cipher.final()]);
}

const rows = Buffer.concat(Array.from({ length: 200 }, (_, id) => Buffer.from(`${id}\0\0\0\0name-${id}`)));

test("ciphertext of anything looks like ciphertext", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1024, maxLength: 4096 }), (plain) => looksEncrypted(encrypt(plain))),
    { numRuns: 300 },
  );
});

test("rows as they are, compressed streams and serialised objects do not", () => {
  assert.equal(looksEncrypted(rows), false);
  const packed = deflateSync(randomBytes(4096));
  const begin = (magic: string): Buffer => Buffer.concat([Buffer.from(magic, "latin1"), packed]);
  for (const magic of ["LZ4Block", "\x28\xb5\x2f\xfd", "ZV\0", "ZV\x01", "\xac\xed\x00\x05"]) {
    assert.equal(looksEncrypted(begin(magic)), false, magic);
  }
  // Of 65,536 ciphertexts one begins so.
  assert.equal(looksEncrypted(begin("ZV\x02")), true);
});

test("a watch counts files with data, passes over positions and crumbs, and names the first plain file", async () => {
  const blocks = join(folder, "blockmgr-1", "0a");
  await mkdir(blocks, { recursive: true });
  const watch = watchScratch(folder);
  await writeFile(join(blocks, "shuffle_0_0_0.index"), Buffer.alloc(4096));
  await writeFile(join(blocks, "shuffle_0_0_0.checksum.ADLER32"), Buffer.alloc(4096));
  await writeFile(join(blocks, "broadcast_0"), Buffer.alloc(10));
  assert.equal(await watch.look(), undefined);
  assert.match(watch.observation().observed, /^none/);
  await writeFile(join(blocks, "shuffle_0_0_0.data"), encrypt(rows));
  assert.equal(await watch.look(), undefined);
  assert.match(watch.observation().observed, /^1 /);
  assert.equal(watch.observation().asPlanned, true);
  const plain = join(blocks, "temp_local_1");
  await writeFile(plain, rows);
  assert.equal(await watch.look(), plain);
  assert.equal(watch.observation().asPlanned, false);
});
