// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import type { Tensor } from "@bulwark/tensors";
import fc from "fast-check";
import { decodeRequest, decodeResult, encodeRequest, encodeResult } from "./content.ts";
import { createRandom, makeDataKey, type Place, readDataKey, seal, unseal } from "./envelope.ts";
import { toRecordKeys } from "./record-keys.ts";

const versions = [1, 2].map((version) => ({ version, key: randomBytes(32).toString("base64") }));
const keys = toRecordKeys({ id: "serving-records", current: 2, versions });
const fill = createRandom();
const place: Place = { stream: "serving_stream", uri: "u", model: "m" };
const marker = Buffer.from("patient 4711");

const isRefusal = (error: unknown): boolean =>
  ["RECORD_MALFORMED", "RECORD_TAMPERED", "RECORD_KEY_UNKNOWN"].includes((error as { code: string }).code);

describe("a sealed record", () => {
  const dataKey = makeDataKey(keys, place, fill);
  const sealed = seal(dataKey, marker, ["request", place], fill);

  it("opens at its place and shows nothing before", () => {
    assert.equal(sealed.includes(marker), false);
    assert.deepEqual(unseal(readDataKey(keys, sealed, place), sealed, ["request", place]), marker);
  });

  it("has a key of its own, and never the same bytes twice", () => {
    const other = seal(makeDataKey(keys, place, fill), marker, ["request", place], fill);
    assert.notDeepEqual(other, sealed);
    assert.throws(() => unseal(dataKey, other, ["request", place]), { code: "RECORD_TAMPERED" });
    assert.notDeepEqual(seal(dataKey, marker, ["request", place], fill), sealed);
  });

  it("opens under no other stream, uri, model or direction", () => {
    for (const change of [{ stream: "s" }, { uri: "v" }, { model: "n" }]) {
      const elsewhere = { ...place, ...change };
      assert.throws(() => readDataKey(keys, sealed, elsewhere), { code: "RECORD_TAMPERED" });
      assert.throws(() => unseal(dataKey, sealed, ["request", elsewhere]), { code: "RECORD_TAMPERED" });
    }
    assert.throws(() => unseal(dataKey, sealed, ["result", place]), { code: "RECORD_TAMPERED" });
    const joined = { ...place, uri: "um", model: "" };
    assert.throws(() => readDataKey(keys, sealed, joined), { code: "RECORD_TAMPERED" });
  });

  it("opens with an older version of the key, not without it", () => {
    const old = toRecordKeys({ id: "serving-records", current: 1, versions: versions.slice(0, 1) });
    const before = seal(makeDataKey(old, place, fill), marker, ["request", place], fill);
    assert.deepEqual(unseal(readDataKey(keys, before, place), before, ["request", place]), marker);
    assert.throws(() => readDataKey(old, sealed, place), { code: "RECORD_KEY_UNKNOWN" });
  });

  it("does not open with any bit of it changed, or any end cut off", () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => unseal(readDataKey(keys, changed, place), changed, ["request", place]), isRefusal);
    }
    for (let length = 0; length < sealed.length; length++) {
      const cut = sealed.subarray(0, length);
      assert.throws(() => unseal(readDataKey(keys, cut, place), cut, ["request", place]), isRefusal);
    }
  });
});

const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.string(), shapes, fc.constantFrom("FP32", "INT64", "FP16", "BOOL", "FP64", "BYTES"), fc.nat(255))
  .map(([name, shape, datatype, seed]): Tensor => {
    const count = shape.reduce((product, dimension) => product * dimension, 1);
    const elements = Array.from({ length: count }, (_, index) => (seed + index) % 256);
    if (datatype === "BYTES")
      return { name, shape, datatype, data: elements.map((value) => Buffer.alloc(value % 5, value)) };
    if (datatype === "INT64") return { name, shape, datatype, data: BigInt64Array.from(elements, BigInt) };
    if (datatype === "BOOL") return { name, shape, datatype, data: Uint8Array.from(elements) };
    if (datatype === "FP16") return { name, shape, datatype, data: Float16Array.from(elements) };
    if (datatype === "FP64") return { name, shape, datatype, data: Float64Array.from(elements, (value) => value / 3) };
    return { name, shape, datatype: "FP32", data: Float32Array.from(elements, (value) => value / 3) };
  });

describe("the content of a record", () => {
  it("comes back as it was, whatever the tensors", () => {
    fc.assert(
      fc.property(fc.array(tensors, { maxLength: 3 }), fc.array(fc.string()), (inputs, outputs) => {
        const request = { kind: "tensors" as const, version: "3", inputs };
        assert.deepEqual(decodeRequest(encodeRequest(request)), request);
        const wanted = { kind: "tensors" as const, outputs, inputs };
        assert.deepEqual(
          decodeRequest(encodeRequest(wanted)),
          outputs.length === 0 ? { kind: "tensors", inputs } : wanted,
        );
        const result = { kind: "tensors" as const, model: "m", version: "1", outputs: inputs };
        assert.deepEqual(decodeResult(encodeResult(result)), result);
      }),
    );
  });

  it("carries records and failures of older clients", () => {
    const older = { kind: "older" as const, serde: "stream", data: Buffer.from("{}") };
    assert.deepEqual(decodeRequest(encodeRequest(older)), older);
    const failure = { kind: "failure" as const, code: "MODEL_UNKNOWN" as const, message: "no", mend: "yes" };
    assert.deepEqual(decodeResult(encodeResult(failure)), failure);
  });

  it("is read or refused, never more", () => {
    const refusesOrReads = (read: (bytes: Buffer) => unknown) => (bytes: Uint8Array) => {
      try {
        read(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code: string }).code, "RECORD_MALFORMED");
      }
    };
    const prefix = fc.constantFrom([0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0], [1], [2]);
    const bytes = fc
      .tuple(prefix, fc.uint8Array({ maxLength: 60 }))
      .map(([head, tail]) => Uint8Array.of(...head, ...tail));
    fc.assert(fc.property(bytes, refusesOrReads(decodeRequest)), { numRuns: 2000 });
    fc.assert(fc.property(bytes, refusesOrReads(decodeResult)), { numRuns: 2000 });
  });
});
