// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import { followEvents, followLines, readEvents } from "./events.ts";

const folder = createTestFolder();
let files = 0;
const newPath = (): string => join(folder, `events-${files++}.jsonl`);

test("lines come as they are appended, whole, also before the file is there", async () => {
  const path = newPath();
  const end = new AbortController();
  const lines: string[] = [];
  const steps: readonly [string, () => void][] = [
    ["one", () => appendFileSync(path, "tw")],
    ["two", () => end.abort()],
  ];
  setImmediate(() => {
    writeFileSync(path, "one\n");
  });
  for await (const line of followLines(path, end.signal)) {
    lines.push(line);
    steps.find(([after]) => after === line)?.[1]();
    // The rest of the second line comes later than its beginning was read.
    if (line === "one") setTimeout(() => appendFileSync(path, "o\nunfinished"), 120);
  }
  assert.deepEqual(lines, ["one", "two"]);
});

test("what was there when following ended has been read", async () => {
  const path = newPath();
  const text = Array.from({ length: 20_000 }, (_, index) => `line ${index} äöü`);
  writeFileSync(path, `${text.join("\n")}\n`);
  const read: string[] = [];
  for await (const line of followLines(path, AbortSignal.abort())) read.push(line);
  assert.deepEqual(read, text);
});

test("a character that two reads share stays whole", async () => {
  const path = newPath();
  // The file is read in blocks of 64 KiB; the second byte of one of these stands on the border.
  const text = `a${"ä".repeat(70_000)}`;
  writeFileSync(path, `${text}\n`);
  const read: string[] = [];
  for await (const line of followLines(path, AbortSignal.abort())) read.push(line);
  assert.deepEqual(read, [text]);
});

test("a line that is no event is passed over", async () => {
  const path = newPath();
  writeFileSync(
    path,
    '{"at":1,"type":"application-end"}\nnonsense\n{"at":2,"type":"ready","url":"spark://x"}\n{"at":3,"ty',
  );
  assert.deepEqual(await readEvents(path), [
    { at: 1, type: "application-end" },
    { at: 2, type: "ready", url: "spark://x" },
  ]);
});

test("a file that is not there has no events", async () => {
  assert.deepEqual(await readEvents(newPath()), []);
  const events = [];
  for await (const event of followEvents(newPath(), AbortSignal.abort())) events.push(event);
  assert.deepEqual(events, []);
});
