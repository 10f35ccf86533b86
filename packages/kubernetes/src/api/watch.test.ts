// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Answer, json, lines, startFakeServer } from "../testing/fake-server.ts";
import type { KubeObject } from "./objects.ts";
import { RESOURCES } from "./resources.ts";
import { type Change, splitLines, watchObjects } from "./watch.ts";

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const list = (version: string, ...names: string[]): Answer =>
  json(200, { metadata: { resourceVersion: version }, items: names.map((name) => object(name, version)) });
const line = (type: string, name: string, version: string) => ({ type, object: object(name, version) });

/** Takes a number of changes from a server that answers so, and says what was asked and how long was waited. */
async function watch(answers: readonly Answer[], take: number) {
  await using server = await startFakeServer(answers);
  const stop = new AbortController();
  const pauses: number[] = [];
  const changes: Change<string>[] = [];
  const options = {
    reduce: ({ metadata }: KubeObject) => metadata.name,
    signal: stop.signal,
    delay: async (ms: number) => void pauses.push(ms),
    random: () => 1,
  };
  const selection = { resource: RESOURCES.pods, namespace: "runs" };
  for await (const change of watchObjects<KubeObject, string>(server.connect(), selection, options)) {
    changes.push(change);
    if (changes.length === take) stop.abort();
  }
  const versions = server.asked.map((url) => url.searchParams.get("watch") && url.searchParams.get("resourceVersion"));
  return { changes, pauses, versions };
}

test("a watch goes on where it ended, bookmarks included", async () => {
  const { changes, versions, pauses } = await watch(
    [
      list("5", "a"),
      lines([line("ADDED", "b", "6"), line("BOOKMARK", "", "9")]),
      lines([line("DELETED", "a", "10"), line("MODIFIED", "b", "11")], "cut"),
      lines([line("ADDED", "c", "12")], "stay"),
    ],
    5,
  );
  assert.deepEqual(changes, [
    { type: "listed", items: ["a"] },
    { type: "put", item: "b" },
    { type: "gone", item: "a" },
    { type: "put", item: "b" },
    { type: "put", item: "c" },
  ]);
  assert.deepEqual(versions, [null, "5", "9", "11"]);
  assert.deepEqual(pauses, [500], "only the cut connection is waited for");
});

test("a quiet watch that is cut again and again is opened as soon each time", async () => {
  const cutQuietly: Answer = (_request, response) => {
    response.writeHead(200).flushHeaders();
    setTimeout(() => response.destroy(), 50);
  };
  const { pauses } = await watch(
    [list("5", "a"), cutQuietly, cutQuietly, cutQuietly, lines([line("ADDED", "b", "6")], "stay")],
    2,
  );
  assert.deepEqual(pauses, [500, 500, 500]);
});

test("what is too old is listed anew at once, whether the answer or the stream says so", async () => {
  const gone = { type: "ERROR", object: { code: 410, message: "too old" } };
  const { changes, pauses, versions } = await watch(
    [list("5", "a"), json(410, {}), list("20", "b"), lines([gone]), list("30", "c"), lines([], "stay")],
    3,
  );
  assert.deepEqual(
    changes.map((change) => change.type === "listed" && change.items),
    [["a"], ["b"], ["c"]],
  );
  assert.deepEqual(pauses, []);
  assert.deepEqual(versions, [null, "5", null, "20", null]);
});

test("a server that is away is waited for, longer each time, and the first word resets it", async () => {
  const away = json(503, {});
  const { pauses } = await watch(
    [away, away, away, away, away, away, away, away, list("5", "a"), away, lines([line("ADDED", "b", "6")], "stay")],
    2,
  );
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 500]);
});

test("what waiting does not mend ends the watch", async () => {
  await assert.rejects(watch([json(403, {})], 1), { code: "CLUSTER_FORBIDDEN" });
  await assert.rejects(watch([list("5"), json(401, {})], 2), { code: "CLUSTER_UNAUTHENTICATED" });
});

test("lines are the same however the bytes arrive", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string().map((text) => text.replaceAll("\n", ""))),
      fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
      async (texts, sizes) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        async function* chunks() {
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value as number;
            yield bytes.subarray(at, at + size);
            at += size;
          }
        }
        const seen: string[] = [];
        for await (const text of splitLines(chunks())) seen.push(text);
        assert.deepEqual(
          seen,
          texts.map((text) => Buffer.from(text).toString("utf8")),
        );
      },
    ),
  );
});
