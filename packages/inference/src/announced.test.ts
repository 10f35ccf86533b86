// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { toTensor } from "@bulwark/tensors";
import fc from "fast-check";
import { createAnnouncedCatalog } from "./announced.ts";
import {
  type AnnouncedVersion,
  LONGEST_ANNOUNCEMENT_BYTES,
  readAnnouncement,
  writeAnnouncement,
} from "./announcement.ts";
import type { Catalog, VersionState } from "./engine.ts";

const x = { name: "x", datatype: "FP32", shape: [-1, 2] } as const;
const y = { name: "y", datatype: "INT64", shape: [-1] } as const;
const stream = { tokens: "x", next: "y", end: [2] };

type Given = {
  state?: VersionState;
  labels?: string[];
  inputs?: (typeof x | typeof y)[];
  streams?: boolean;
  maxRows?: number;
};

/** What an engine says of one version. */
function tell(
  model: string,
  version: string,
  { state = "READY", labels = [], inputs = [x], streams = false, ...rows }: Given = {},
) {
  const catalog: Pick<Catalog, "list" | "describe"> = {
    list: () => [{ model, version, state, labels, ...(state === "READY" ? {} : { reason: "it is broken" }) }],
    describe: () => ({ version, inputs, outputs: [y], ...rows, ...(streams ? { stream } : {}) }),
  };
  return readAnnouncement(Buffer.from(writeAnnouncement(catalog))).versions;
}

const hear = (...said: (readonly AnnouncedVersion[])[]) => {
  const catalog = createAnnouncedCatalog((model) => model !== "direct");
  catalog.hear(said);
  return catalog;
};

describe("an announcement", () => {
  it("says the same to who reads it", () => {
    assert.deepEqual(tell("m", "3", { labels: ["stable"], streams: true, maxRows: 8 }), [
      {
        ...{ model: "m", version: "3", state: "READY", labels: ["stable"] },
        described: { version: "3", inputs: [x], outputs: [y], maxRows: 8, stream },
      },
    ]);
    assert.deepEqual(tell("m", "3", { state: "UNAVAILABLE" }), [
      { model: "m", version: "3", state: "UNAVAILABLE", labels: [], reason: "it is broken" },
    ]);
  });

  it("is bounded, on both sides", () => {
    const most = Array.from({ length: 3000 }, (_, at) => `label-${at}-${"x".repeat(100)}`);
    assert.throws(() => tell("m", "1", { labels: most }), { code: "ANNOUNCEMENT_TOO_LARGE" });
    const large = Buffer.alloc(LONGEST_ANNOUNCEMENT_BYTES + 1, " ");
    assert.throws(() => readAnnouncement(large), { code: "ANNOUNCEMENT_MALFORMED" });
  });

  it("tells of the last id that an order can have", () => {
    const carriedOut = { upTo: "18446744073709551615-18446744073709551615", failures: [] };
    const text = writeAnnouncement({ list: () => [], describe: () => assert.fail() }, { carriedOut });
    assert.deepEqual(readAnnouncement(Buffer.from(text)).carriedOut, carriedOut);
  });

  it("tells which keys open records, and says nothing of them where it has none to tell", () => {
    const none = { list: () => [], describe: () => assert.fail() };
    const recordKeys = [{ id: "k", version: 2, check: "c" }];
    const read = (text: string) => readAnnouncement(Buffer.from(text));
    assert.deepEqual(read(writeAnnouncement(none, { recordKeys })), { versions: [], recordKeys });
    assert.deepEqual(read(writeAnnouncement(none)), { versions: [] });
  });

  const version = { model: "m", version: "1", state: "READY", labels: [], inputs: [x], outputs: [y] };
  for (const [what, content] of Object.entries({
    "no object": [],
    "another format": { format: 2, versions: [] },
    "no versions": { format: 1 },
    "a version that is none": { format: 1, versions: [null] },
    "no name": { format: 1, versions: [{ ...version, model: "" }] },
    "a version by name": { format: 1, versions: [{ ...version, version: "new" }] },
    "an unknown state": { format: 1, versions: [{ ...version, state: "toString" }] },
    "labels that are numbers": { format: 1, versions: [{ ...version, labels: [1] }] },
    "no inputs": { format: 1, versions: [{ ...version, inputs: undefined }] },
    "an unknown datatype": { format: 1, versions: [{ ...version, inputs: [{ ...x, datatype: "constructor" }] }] },
    "a negative size": { format: 1, versions: [{ ...version, outputs: [{ ...y, shape: [-2] }] }] },
    "rows of no run": { format: 1, versions: [{ ...version, maxRows: 1 }] },
    "keys that are no list": { format: 1, versions: [], recordKeys: {} },
    "a key without a check": { format: 1, versions: [], recordKeys: [{ id: "k", version: 1 }] },
    "a key without a version": { format: 1, versions: [], recordKeys: [{ id: "k", check: "c", version: "1" }] },
    "a stream of something else": {
      format: 1,
      versions: [{ ...version, stream: { tokens: "x", next: "y", toString: 1 } }],
    },
  })) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => readAnnouncement(Buffer.from(JSON.stringify(content))), { code: "ANNOUNCEMENT_MALFORMED" });
    });
  }

  it("is refused with a code whatever it is", () => {
    const bytes = fc.oneof(
      fc.uint8Array().map((array) => Buffer.from(array)),
      fc.json().map((text) => Buffer.from(text)),
      fc.jsonValue().map((versions) => Buffer.from(JSON.stringify({ format: 1, versions: [versions] }))),
    );
    const property = fc.property(bytes, (given) => {
      try {
        readAnnouncement(given);
      } catch (error) {
        assert.ok(error instanceof BulwarkError && error.code === "ANNOUNCEMENT_MALFORMED", String(error));
      }
    });
    fc.assert(property);
    assert.throws(() => readAnnouncement(Buffer.from("[".repeat(100_000))), { code: "ANNOUNCEMENT_MALFORMED" });
  });
});

describe("models of engines elsewhere", () => {
  it("are ready while an engine says so, and described also after", () => {
    const catalog = createAnnouncedCatalog(() => true);
    assert.deepEqual([catalog.isReady(), catalog.isReady("m"), catalog.list()], [false, false, []]);
    assert.throws(() => catalog.describe("m"), { code: "MODEL_NOT_READY" });
    catalog.hear([tell("m", "1")]);
    assert.deepEqual([catalog.isReady(), catalog.isReady("m"), catalog.isReady("m", "1")], [true, true, true]);
    assert.deepEqual(catalog.describe("m"), { version: "1", inputs: [x], outputs: [y] });
    catalog.hear([]);
    // The server stays: it answers with 503 what would otherwise find nobody.
    assert.deepEqual([catalog.isReady(), catalog.isReady("m")], [true, false]);
    assert.equal(catalog.describe("m").version, "1");
    assert.deepEqual(
      catalog.list().map(({ state }) => state),
      ["UNAVAILABLE"],
    );
    catalog.check({ model: "m", version: undefined, inputs: [], outputs: undefined });
    catalog.hear([tell("other", "1")]);
    assert.throws(() => catalog.isReady("m"), { code: "MODEL_UNKNOWN" });
  });

  it("share runs with so many rows as every engine allows that may get them", () => {
    const inputs = [toTensor("x", "FP32", [2, 2], new Float32Array(4))];
    const asked = { model: "m", version: undefined, inputs, outputs: undefined };
    const shared = { inputs, rows: 2, key: "" };
    assert.deepEqual(hear(tell("m", "1", { maxRows: 8 })).check(asked), { ...shared, maxRows: 8 });
    const [eight, four, alone] = [8, 4, undefined].map((maxRows) => tell("m", "1", maxRows ? { maxRows } : {}));
    assert.deepEqual(hear(eight ?? [], four ?? []).check(asked), { ...shared, maxRows: 4 });
    for (const said of [[alone], [eight, alone], [alone, eight]]) {
      assert.equal(hear(...said.map((one) => one ?? [])).check(asked), undefined);
    }
    const wrong = { ...asked, inputs: [toTensor("x", "FP32", [1, 2], Float32Array.of(0, Number.NaN))] };
    assert.equal(hear(eight ?? []).check(wrong), undefined);
    assert.deepEqual(hear(tell("m", "1", { state: "LOADING" }), eight ?? []).check(asked), { ...shared, maxRows: 8 });
  });

  it("are found by version, by label and by nothing, among what all engines say", () => {
    const catalog = hear(
      tell("m", "9", { labels: ["stable"] }),
      tell("m", "10", { state: "UNAVAILABLE" }),
      tell("m", "10", { inputs: [y], labels: ["canary"] }),
      tell("m", "11", { state: "UNAVAILABLE" }),
      tell("direct", "1"),
    );
    const versionOf = (name?: string): string => catalog.describe("m", name).version;
    assert.deepEqual([versionOf(), versionOf("9"), versionOf("stable"), versionOf("canary")], ["10", "9", "9", "10"]);
    assert.deepEqual(
      catalog.list().map(({ version, state }) => [version, state]),
      [
        ["9", "READY"],
        ["10", "READY"],
        ["11", "UNAVAILABLE"],
      ],
    );
    assert.equal(catalog.isReady("m", "11"), false);
    assert.throws(() => catalog.describe("m", "11"), { code: "MODEL_NOT_READY", message: /it is broken/ });
    assert.throws(() => catalog.describe("m", "12"), { code: "MODEL_VERSION_UNKNOWN" });
    assert.throws(() => catalog.describe("direct"), { code: "MODEL_UNKNOWN" });
  });

  const row = (name: string, shape: number[]) =>
    toTensor(name, "FP32", shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));
  const good = { model: "m", version: undefined, inputs: [row("x", [1, 2])], outputs: undefined };
  for (const [code, change] of [
    ["MODEL_UNKNOWN", { model: "no" }],
    ["MODEL_VERSION_UNKNOWN", { version: "7" }],
    ["TENSOR_MISSING", { inputs: [] }],
    ["TENSOR_UNKNOWN", { inputs: [row("x", [1, 2]), row("z", [1])] }],
    ["TENSOR_UNKNOWN", { outputs: ["z"] }],
    ["TENSOR_SHAPE", { inputs: [row("x", [1, 3])] }],
    ["TENSOR_DATATYPE", { inputs: [toTensor("x", "INT64", [1, 2], new BigInt64Array(2))] }],
  ] as const) {
    it(`do not get what they would refuse: ${code} ${JSON.stringify(Object.keys(change))}`, () => {
      const catalog = hear(tell("m", "1"));
      catalog.check(good);
      assert.throws(() => catalog.check({ ...good, ...change }), { code });
    });
  }
});
