// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { createCommandReader, writeReply } from "./resp.ts";

const write = (words: readonly Uint8Array[]): Buffer =>
  Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [Buffer.from(`$${word.length}\r\n`), word, Buffer.from("\r\n")]),
  ]);

it("reads commands however they are cut", () => {
  const words = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(words, { maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (commands, cuts) => {
        const bytes = Buffer.concat(commands.map(write));
        const read = createCommandReader();
        const seen: Buffer[][] = [];
        for (let at = 0; at < bytes.length; ) {
          const length = cuts.next().value as number;
          seen.push(...read(bytes.subarray(at, at + length)));
          at += length;
        }
        assert.deepEqual(
          seen.map((command) => command.map((word) => [...word])),
          commands.map((command) => command.map((word) => [...word])),
        );
      },
    ),
  );
});

it("takes no longer for a large command that comes in many pieces than for its bytes", () => {
  const bytes = write(Array.from({ length: 1_000 }, () => Buffer.alloc(60_000, "a")));
  const read = createCommandReader();
  const seen: Buffer[][] = [];
  const startedAt = performance.now();
  for (let at = 0; at < bytes.length; at += 65_536) seen.push(...read(bytes.subarray(at, at + 65_536)));
  // Copied anew for each word, they were 30 GB.
  assert.ok(performance.now() - startedAt < 5_000);
  assert.deepEqual([seen.length, seen[0]?.length], [1, 1_000]);
});

it("refuses a command that is larger than any may be, before it is whole", () => {
  const [read, piece] = [
    createCommandReader(),
    Buffer.concat([Buffer.from("$1048576\r\n"), Buffer.alloc(2 ** 20 + 2)]),
  ];
  piece.write("\r\n", piece.length - 2);
  read(Buffer.from("*1000\r\n"));
  assert.throws(() => Array.from({ length: 70 }, () => read(piece)), { code: "SERVING_REQUEST" });
});

it("reads or refuses whatever comes", () => {
  const likely = fc.stringMatching(/^[*$]?[0-9\r\n$*a-z-]{0,60}$/).map((text) => Buffer.from(text));
  fc.assert(
    fc.property(fc.oneof(likely, fc.uint8Array({ maxLength: 60 }).map(Buffer.from)), (bytes) => {
      try {
        createCommandReader()(bytes as Buffer);
      } catch (error) {
        assert.equal((error as { code: string }).code, "SERVING_REQUEST");
      }
    }),
    { numRuns: 2000 },
  );
});

it("writes replies, and no error that would be two", () => {
  assert.equal(String(writeReply({ kind: "error", text: "ERR a\r\n+OK" })), "-ERR a +OK\r\n");
  const items = [
    { kind: "number", value: 7 },
    { kind: "bulk", bytes: "é" },
  ] as const;
  assert.equal(String(writeReply({ kind: "list", items })), "*2\r\n:7\r\n$2\r\né\r\n");
});
