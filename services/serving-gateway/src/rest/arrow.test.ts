// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { writeLookup, writeSlow } from "@bulwark/inference/testing";
import { DEFAULT_LIMITS, readTensorStream, type Tensor, writeTensorStream } from "@bulwark/tensors";
import { parseConfig } from "../config.ts";
import { type Started, startGateway } from "../start.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-arrow-"));
let started: Started;
let base = "";
before(async () => {
  for (const [name, bytes] of Object.entries({ lookup: writeLookup(), slow: writeSlow() })) {
    const path = join(root, name, "1", "model.onnx");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  started = await startGateway(parseConfig(JSON.stringify({ models: root, httpPort: 0 }), "test"));
  base = started.addresses.http ?? "";
});
after(async () => {
  await started?.close();
  await rm(root, { recursive: true, force: true });
});

const ARROW = "application/vnd.apache.arrow.stream";
const postArrow = (path: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${base}/v2/models/${path}`, { method: "POST", body, headers: { "content-type": ARROW, ...headers } });
const toArrow = (tensors: readonly Tensor[], request: object = {}) =>
  new Uint8Array(writeTensorStream({ tensors, metadata: new Map([["bulwark:request", JSON.stringify(request)]]) }));
const indices = { name: "x", datatype: "INT64", shape: [2], data: new BigInt64Array([3n, 4n]) } as const;

test("Arrow in, Arrow out, with the caller's id; either form for the other where it is asked for", async () => {
  const squares = { name: "y", datatype: "FP32", shape: [2], data: new Float32Array([9, 16]) };
  const answer = await postArrow("lookup/versions/1/infer", toArrow([indices], { id: "7", outputs: [{ name: "y" }] }));
  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, ARROW]);
  const { tensors, metadata } = readTensorStream(Buffer.from(await answer.arrayBuffer()), DEFAULT_LIMITS);
  assert.deepEqual(tensors, [squares]);
  assert.deepEqual(JSON.parse(metadata.get("bulwark:response") ?? ""), {
    model_name: "lookup",
    model_version: "1",
    id: "7",
  });
  const json = await postArrow("lookup/infer", toArrow([indices]), { accept: "application/json" });
  assert.deepEqual(((await json.json()) as { outputs: { data: number[] }[] }).outputs[0]?.data, [9, 16]);
  const body = JSON.stringify({ inputs: [{ name: "x", datatype: "INT64", shape: [2], data: [3, 4] }] });
  const headers = { accept: ARROW };
  const arrow = await fetch(`${base}/v2/models/lookup/infer`, { method: "POST", body, headers });
  assert.deepEqual(readTensorStream(Buffer.from(await arrow.arrayBuffer()), DEFAULT_LIMITS).tensors, [squares]);
  // A scalar beside a row: their first dimensions differ.
  const slow = toArrow([
    { name: "x", datatype: "FP32", shape: [1], data: new Float32Array([1]) },
    { name: "trips", datatype: "INT64", shape: [], data: new BigInt64Array([1n]) },
  ]);
  const sine = await postArrow("slow/infer", slow);
  assert.deepEqual(readTensorStream(Buffer.from(await sine.arrayBuffer()), DEFAULT_LIMITS).tensors[0]?.shape, [1]);
});

for (const [what, code, body] of [
  ["no Arrow", "TENSOR_MALFORMED", new Uint8Array([1, 2, 3])],
  ["half a stream", "TENSOR_MALFORMED", toArrow([indices]).subarray(0, 300)],
  ["another datatype", "TENSOR_DATATYPE", toArrow([{ ...indices, datatype: "FP64", data: new Float64Array(2) }])],
  ["a missing input", "TENSOR_MISSING", toArrow([])],
  ["a request that is none", "TENSOR_MALFORMED", toArrow([indices], [])],
] as const) {
  test(`an Arrow body is refused with a code, as JSON: ${what}`, async () => {
    const answer = await postArrow("lookup/infer", new Uint8Array(body));
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, code]);
  });
}
