// SPDX-License-Identifier: Apache-2.0
// What ends a call before a method of ours is called, seen by a client that knows HTTP/2 alone.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { writeLookup, writeSlow } from "@bulwark/inference/testing";
import { status } from "@grpc/grpc-js";
import { parseConfig } from "../config.ts";
import { type Started, startGateway } from "../start.ts";
import { type CallEnd, frame, sendFrame } from "../testing/send-frame.ts";
import { codecOf } from "./schema.ts";

const BODY_BYTES = 100_000;
const GIB = 2 ** 30;

const root = await mkdtemp(join(tmpdir(), "bulwark-grpc-"));
for (const [name, bytes] of Object.entries({ lookup: writeLookup(), slow: writeSlow() })) {
  const path = join(root, name, "1", "model.onnx");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}
let gateway: Started;
let session: ClientHttp2Session;
before(async () => {
  const settings = { models: root, grpcPort: 0, bodyBytes: BODY_BYTES };
  gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"));
  session = connect(`http://${gateway.addresses.grpc}`);
});
after(async () => {
  session.close();
  await gateway.close();
  await rm(root, { recursive: true, force: true });
});

const send = (bytes: Buffer, options = {}): Promise<CallEnd> => sendFrame(session, bytes, options);
const { encode } = codecOf("ModelInferRequest");
const tensor = (name: string, datatype: string, shape: number[], contents: object) => ({
  name,
  datatype,
  shape,
  contents,
});
const fine = encode({ model_name: "lookup", inputs: [tensor("x", "INT64", [1], { int64_contents: [3] })] });
const endless = encode({
  model_name: "slow",
  inputs: [
    tensor("x", "FP32", [1], { fp32_contents: [1] }),
    tensor("trips", "INT64", [], { int64_contents: [200_000] }),
  ],
});
const unknown = (name: string): Buffer => frame(encode({ model_name: name }));
const packed = { "grpc-encoding": "gzip" };

const CALLS: Readonly<Record<string, { ask: () => Promise<CallEnd>; code: status; told: string }>> = {
  "a message over the limit": {
    ask: () => send(frame(Buffer.alloc(BODY_BYTES + 1))),
    ...{ code: status.RESOURCE_EXHAUSTED, told: "TENSOR_TOO_LARGE" },
  },
  "one that is said to have a gibibyte, and sends none of it": {
    ask: () => send(frame(Buffer.alloc(0), { length: GIB }), { isOpen: true }),
    ...{ code: status.RESOURCE_EXHAUSTED, told: "TENSOR_TOO_LARGE" },
  },
  "a small one that unpacks to one over the limit": {
    ask: () => send(frame(gzipSync(Buffer.alloc(BODY_BYTES + 1)), { isPacked: true }), { headers: packed }),
    ...{ code: status.RESOURCE_EXHAUSTED, told: "TENSOR_TOO_LARGE" },
  },
  "one that cannot be unpacked": {
    ask: () => send(frame(Buffer.from("no gzip"), { isPacked: true }), { headers: packed }),
    ...{ code: status.INVALID_ARGUMENT, told: "SERVING_REQUEST" },
  },
  "one packed in an unknown way": {
    ask: () => send(frame(fine, { isPacked: true }), { headers: { "grpc-encoding": "snappy" } }),
    ...{ code: status.UNIMPLEMENTED, told: "SERVING_UNSUPPORTED" },
  },
  "a method that is none, before any message": {
    ask: () => send(Buffer.alloc(0), { method: "ModelInferAll", isOpen: true }),
    ...{ code: status.UNIMPLEMENTED, told: "SERVING_UNSUPPORTED" },
  },
  "no message": { ask: () => send(Buffer.alloc(0)), code: status.UNIMPLEMENTED, told: "SERVING_UNSUPPORTED" },
  "a time limit that is none": {
    ask: () => send(frame(fine), { headers: { "grpc-timeout": "soon" } }),
    ...{ code: status.INVALID_ARGUMENT, told: "SERVING_REQUEST" },
  },
  "a time limit that passes": {
    ask: () => send(frame(endless), { headers: { "grpc-timeout": "20m" } }),
    ...{ code: status.DEADLINE_EXCEEDED, told: "SERVING_DEADLINE" },
  },
  "a model's name of which half a character is quoted": {
    ask: () => send(unknown(`${"a".repeat(79)}😀`)),
    ...{ code: status.NOT_FOUND, told: "MODEL_UNKNOWN" },
  },
};

for (const [what, { ask, code, told }] of Object.entries(CALLS)) {
  test(`${what} is refused with a code, and a call beside it is answered`, async () => {
    const [refused, answered] = await Promise.all([ask(), send(frame(fine))]);
    assert.deepEqual([refused.status, refused.code, refused.text.split(":")[0]], [code, told, told]);
    assert.deepEqual([answered.status, answered.code], [status.OK, undefined]);
  });
}
