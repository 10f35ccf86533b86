// SPDX-License-Identifier: Apache-2.0
// What the serving parts read of strangers, under attack: bodies of requests, and entries of Redis.
import { BulwarkError } from "../../packages/contracts/src/errors/index.ts";
import { readAnnouncement } from "../../packages/inference/src/index.ts";
import {
  decodeRequest,
  decodeResult,
  encodeRequest,
  encodeResult,
  makeDataKey,
  readDataKey,
  SEALED,
  seal,
  toRecordKeys,
  unseal,
} from "../../packages/queue/src/index.ts";
import { readDelivery } from "../../packages/queue/src/redis/delivery.ts";
import { createCommandReader } from "../../packages/queue/src/relay/resp.ts";
import {
  DEFAULT_LIMITS,
  decodeResult as decodeOlderResult,
  decodeRecord,
  encodeResult as encodeOlderResult,
  encodeRecord,
  readGenerate,
  readInferArrow,
  readInferBinary,
  readInferJson,
  readInstances,
  type Tensor,
  toTensor,
  writeTensorStream,
} from "../../packages/tensors/src/index.ts";
import { writeInferRequest } from "../../packages/tensors/src/oip/client.ts";

/** A reader under attack: valid inputs to begin with, and how it is called. */
export type ServingTarget = { seeds: () => Buffer[]; run: (bytes: Buffer) => void };

const numbers = toTensor("x", "FP32", [2, 3], new Float32Array([1, 2.5, -3, 4e10, 0, 6]));
const wide = toTensor("n", "INT64", [2], new BigInt64Array([2n ** 60n, -1n]));
const words = toTensor("t", "BYTES", [2, 1], [Buffer.from("é"), Buffer.from("")]);
const flags = toTensor("b", "BOOL", [2, 9], new Uint8Array(18).fill(1, 3, 9));
const halves = toTensor("h", "FP16", [2], new Float16Array([1, 2]));
const scalar = toTensor("s", "UINT8", [], new Uint8Array([7]));
const SETS: readonly (readonly Tensor[])[] = [[numbers], [wide, words, flags, halves, numbers], [numbers, scalar]];
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const place = { stream: "serving_stream", uri: "u", model: "m" };
const keys = toRecordKeys({
  id: "serving-records",
  current: 1,
  versions: [{ version: 1, key: Buffer.alloc(32, 7).toString("base64") }],
});
/** Always the same, so that a seed repeats everything. */
const dataKey = makeDataKey(keys, place, (bytes) => bytes.fill(3));
const requests = [
  ...SETS.map((inputs) => encodeRequest({ kind: "tensors", version: "1", outputs: ["y"], inputs })),
  encodeRequest({ kind: "older", serde: "stream", data: Buffer.from("{}") }),
];
const results = [
  ...SETS.map((outputs) => encodeResult({ kind: "tensors", model: "m", version: "1", outputs })),
  encodeResult({ kind: "failure", code: "MODEL_FAILED", message: "a", mend: "b" }),
];

/** Length of the JSON in the first two bytes, as the header beside a body says it. */
const withHeader = (inputs: readonly Tensor[]): Buffer => {
  const { headerLength = 0, body } = writeInferRequest({ inputs }, "binary");
  const head = Buffer.alloc(2);
  head.writeUInt16LE(headerLength);
  return Buffer.concat([head, body]);
};

/** Fields and values of an entry, each behind its length. */
const packFields = (...fields: (string | Buffer)[]): Buffer =>
  Buffer.concat(
    fields.map((field) => {
      const bytes = Buffer.from(field as string);
      const head = Buffer.alloc(2);
      head.writeUInt16LE(bytes.length);
      return Buffer.concat([head, bytes]);
    }),
  );
export function unpackFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16LE(at);
    fields.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return fields;
}

/** An entry as an engine reads it: fields, then what its `serde` says that the data is. */
function readEntry(bytes: Buffer): void {
  const delivery = readDelivery({ stream: 1, id: "1-1", flat: unpackFields(bytes) }, { deliveries: 1, offsetMs: 0 });
  const { serde, data } = delivery;
  if (serde === undefined) decodeRecord(Buffer.from(data.toString("latin1"), "base64"), DEFAULT_LIMITS);
  else if (serde !== SEALED) readInstances(data, DEFAULT_LIMITS);
  else decodeRequest(unseal(readDataKey(keys, data, place), data, ["request", place]));
}

const announced = {
  ...{ model: "m", version: "1", state: "READY", labels: ["stable"], stream: { tokens: "x", next: "y" } },
  ...{ inputs: [{ name: "x", datatype: "INT64", shape: [-1, 2] }], outputs: [] },
};
const carriedOut = { upTo: "1-1", failures: [{ order: "1-0", code: "MODEL_UNKNOWN", message: "a", mend: "b" }] };
const olderTensor = { name: "x", data: new Float32Array([1, 2, 3, 4]), shape: [2, 2] };
const older = [
  encodeRecord([olderTensor]),
  encodeRecord([{ name: "t", text: "a|b" }]),
  encodeRecord([{ ...olderTensor, indices: new Int32Array([0, 0, 1, 1]), indicesShape: [2, 2] }]),
];
const generated = [
  { name: "x", datatype: "INT64", shape: [-1] },
  { name: "t", datatype: "BYTES", shape: [-1, 2] },
] as const;

const TARGETS: Readonly<Record<string, ServingTarget>> = {
  "arrow-record": { seeds: () => older, run: (bytes) => decodeRecord(bytes, DEFAULT_LIMITS) },
  "arrow-result": {
    seeds: () => [encodeOlderResult([numbers, flags])],
    run: (bytes) => decodeOlderResult(bytes, DEFAULT_LIMITS),
  },
  "arrow-body": {
    seeds: () =>
      SETS.map((tensors) =>
        writeTensorStream({ tensors, metadata: new Map([["bulwark:request", '{"id":"7","outputs":[{"name":"y"}]}']]) }),
      ),
    run: (bytes) => readInferArrow(bytes, DEFAULT_LIMITS),
  },
  json: {
    seeds: () => SETS.map((inputs) => writeInferRequest({ inputs, outputs: ["y"] }, "json").body),
    run: (bytes) => readInferJson(bytes, DEFAULT_LIMITS),
  },
  generate: {
    seeds: () => [text({ id: "7", x: [1, 2], parameters: { top_k: 3 } }), text({ x: 5, t: [["a", "b"]], seed: 1 })],
    run: (bytes) => readGenerate(bytes, generated, DEFAULT_LIMITS),
  },
  instances: {
    seeds: () => [text({ instances: [{ x: [[1, 2]] }, { x: "a" }, { x: { shape: [2], data: [1], indices: [[1]] } }] })],
    run: (bytes) => readInstances(bytes, DEFAULT_LIMITS),
  },
  binary: {
    seeds: () => SETS.map(withHeader),
    run: (bytes) =>
      readInferBinary(bytes.subarray(2), bytes.length < 2 ? Number.NaN : bytes.readUInt16LE(), DEFAULT_LIMITS),
  },
  "redis-entry": {
    seeds: () => [
      packFields("uri", "u", "data", older[0]?.toString("base64") ?? ""),
      packFields("uri", "u", "data", text({ instances: [{ x: [1] }] }), "serde", "stream"),
      packFields(
        ...["uri", "u", "data", seal(dataKey, requests[0] ?? Buffer.alloc(0), ["request", place], (b) => b.fill(5))],
        ...["serde", SEALED, "model", "m", "budget", "1000", "reply", "r", "keep", "1"],
      ),
    ],
    run: readEntry,
  },
  "redis-command": {
    seeds: () => [
      Buffer.from("*2\r\n$3\r\nDEL\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n"),
      Buffer.from("*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$3\r\nuri\r\n$0\r\n\r\n"),
    ],
    run: (bytes) => createCommandReader()(bytes),
  },
  "redis-announcement": {
    seeds: () => [
      text({ format: 1, versions: [announced, { ...announced, state: "UNAVAILABLE", reason: "r" }] }),
      text({ format: 1, versions: [], carriedOut, recordKeys: [{ id: "k", version: 1, check: "c" }] }),
    ],
    run: (bytes) => readAnnouncement(bytes),
  },
  "redis-request": { seeds: () => requests, run: (bytes) => decodeRequest(bytes) },
  "redis-result": { seeds: () => results, run: (bytes) => decodeResult(bytes) },
};

const CODES = /^(TENSOR_|RECORD_|ANNOUNCEMENT_MALFORMED$|SERVING_REQUEST$)/;

/** Every reader by name; a refusal with a code that no reader has counts as a crash. */
export const SERVING_TARGETS: Readonly<Record<string, ServingTarget>> = Object.fromEntries(
  Object.entries(TARGETS).map(([name, { seeds, run }]) => [name, { seeds, run: (bytes) => demandCode(run, bytes) }]),
);

/** Lets through only refusals with a code that readers have. */
export function demandCode(run: (bytes: Buffer) => void, bytes: Buffer): void {
  try {
    run(bytes);
  } catch (error) {
    if (!(error instanceof BulwarkError) || CODES.test(error.code)) throw error;
    throw new Error(`refused with ${error.code}`, { cause: error });
  }
}
