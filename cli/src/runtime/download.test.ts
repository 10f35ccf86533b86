// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type DownloadOptions, downloadPinned } from "./download.ts";
import { describeNetwork } from "./network.ts";
import { locateFile } from "./package-index.ts";
import { type FakeIndex, startFakeIndex } from "./testing/fake-index.ts";

const FILE = "some.tar.gz";
const content = randomBytes(3_000_000);
const pinned = { bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
/** A hanging server is given up after it; a machine with much to do must not look like one. */
const IDLE_MS = 2_000;
const patience = { attempts: 3, pauseMs: 1, pauseLimitMs: 5 };

let folder: string;
let part: string;
let index: FakeIndex;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bulwark-download-"));
  part = join(folder, "file.part");
  index = await startFakeIndex(content, FILE);
});
afterEach(async () => {
  await index.close();
  await rm(folder, { recursive: true });
});

function download(changes: Partial<DownloadOptions> = {}): Promise<void> {
  const network = describeNetwork({ env: {}, idleMs: IDLE_MS });
  const { signal } = new AbortController();
  const locate = () =>
    locateFile({ indexes: [index.url], findLinks: [] }, { project: "pyspark", file: FILE }, { network, signal });
  return downloadPinned({ part, pinned, locate, network, patience, signal, onProgress: () => {}, ...changes });
}

const fetched = () => index.requests.map(({ from }) => from);

test("fetches the file in one go, with progress up to its end", async () => {
  let last = 0;
  await download({ onProgress: (received) => (last = received) });
  assert.deepEqual(await readFile(part), content);
  assert.equal(last, content.length);
  assert.deepEqual(fetched(), [0]);
});

test("what a cut transfer brought is not fetched again", async () => {
  index.script = [{ kind: "cut", after: 1_000_000 }];
  await download();
  assert.deepEqual(await readFile(part), content);
  const [first = -1, second = -1, ...more] = fetched();
  assert.equal(first, 0);
  assert.ok(second > 0 && second <= 1_000_000);
  assert.deepEqual(more, []);
});

test("bytes of an earlier call are kept", async () => {
  await writeFile(part, content.subarray(0, 2_000_000));
  await download();
  assert.deepEqual(await readFile(part), content);
  assert.deepEqual(fetched(), [2_000_000]);
});

test("a file that is already whole asks for nothing", async () => {
  await writeFile(part, content);
  await download();
  assert.deepEqual([index.pages, fetched()], [0, []]);
});

test("a server without ranges sends all of it again", async () => {
  await writeFile(part, content.subarray(0, 10));
  index.script = [{ kind: "no-range" }];
  await download();
  assert.deepEqual(await readFile(part), content);
});

test("a silent connection is given up and continued", async () => {
  index.script = [{ kind: "hang", after: 500_000 }];
  await download();
  assert.deepEqual(await readFile(part), content);
  assert.equal(index.requests.length, 2);
});

test("server errors are tried again, a refusal is not", async () => {
  index.script = [
    { kind: "status", status: 500 },
    { kind: "status", status: 429 },
  ];
  await download();
  assert.deepEqual(await readFile(part), content);
  await rm(part);
  index.requests.length = 0;
  index.script = [{ kind: "status", status: 403 }];
  await assert.rejects(download(), { status: 403 });
  assert.equal(index.requests.length, 1);
});

test("tries in a row that bring nothing come to an end", async () => {
  index.script = Array.from({ length: 9 }, () => ({ kind: "status", status: 503 }) as const);
  await assert.rejects(download(), { status: 503 });
  assert.equal(index.requests.length, patience.attempts);
});

test("tries that bring something do not count", async () => {
  index.script = Array.from({ length: 2 }, () => ({ kind: "cut", after: 1_200_000 }) as const);
  await download({ patience: { ...patience, attempts: 1 } }).catch(() => {});
  assert.deepEqual(fetched(), [0]);
  await download({ patience: { ...patience, attempts: 2 } });
  assert.deepEqual(await readFile(part), content);
});

test("wrong bytes are thrown away and fetched once more", async () => {
  index.script = [{ kind: "wrong" }];
  await download();
  assert.deepEqual(await readFile(part), content);
  await rm(part);
  index.script = [{ kind: "wrong" }, { kind: "wrong" }];
  await assert.rejects(download(), { code: "SPARK_DOWNLOAD_DAMAGED" });
  await assert.rejects(stat(part), { code: "ENOENT" });
});

test("a server that does not stop is cut off at the pinned size", async () => {
  let most = 0;
  index.script = [{ kind: "endless" }, { kind: "endless" }];
  const onProgress = (received: number) => {
    most = Math.max(most, received);
  };
  await assert.rejects(download({ onProgress }), { code: "SPARK_DOWNLOAD_DAMAGED" });
  assert.ok(most > content.length && most < 1.5 * content.length, `${most} bytes were taken`);
});

test("a range beyond the file starts anew the next time", async () => {
  await writeFile(part, content.subarray(0, 5));
  index.script = [{ kind: "status", status: 416 }];
  await assert.rejects(download(), { status: 416 });
  await download();
  assert.deepEqual(await readFile(part), content);
});

test("an interruption ends the transfer and keeps what is there", async () => {
  const stop = new AbortController();
  index.script = [{ kind: "hang", after: 700_000 }];
  const onProgress = (received: number) => {
    if (received >= 700_000) stop.abort();
  };
  await assert.rejects(download({ signal: stop.signal, onProgress }));
  assert.deepEqual([stop.signal.aborted, index.requests.length], [true, 1]);
  assert.ok((await stat(part)).size > 0);
});

test("the index may speak HTML and redirect, and gets the password of its URL", async () => {
  index.form = "html";
  index.url = index.url.replace("//", "//me:secret@");
  await download();
  assert.deepEqual(await readFile(part), content);
  assert.equal(index.authorization, `Basic ${Buffer.from("me:secret").toString("base64")}`);
});

test("an index without the file is an error of its own", async () => {
  const network = describeNetwork({ env: {}, idleMs: IDLE_MS });
  const { signal } = new AbortController();
  const wanted = { project: "pyspark", file: "other.tar.gz" };
  const ask = (indexes: string[]) => locateFile({ indexes, findLinks: [] }, wanted, { network, signal });
  await assert.rejects(ask([index.url]), { code: "SPARK_DOWNLOAD_FAILED" });
  await assert.rejects(ask([]), { code: "SPARK_DOWNLOAD_FAILED" });
});
