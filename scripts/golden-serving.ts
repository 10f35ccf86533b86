// SPDX-License-Identifier: Apache-2.0
// Records, results and models as the codecs of packages/ write and read them, for the JUnit tests of jvm/serving: what two
// implementations must agree on. The same at every run.
import { createSecretKey } from "node:crypto";
import { BulwarkError, ERRORS } from "../packages/contracts/src/errors/index.ts";
import { OLDER_CIPHERS } from "../packages/contracts/src/older-ciphers.ts";
import { sealModel, writeAnnouncement } from "../packages/inference/src/index.ts";
import {
  writeCentered,
  writeIdentity,
  writeLookup,
  writeMlp,
  writeSlow,
} from "../packages/inference/src/testing/models.ts";
import {
  encryptAsOlder,
  OLDER_MODEL,
  OLDER_SECRETS,
  writeOlderModels,
} from "../packages/inference/src/testing/older-blob.ts";
import {
  encodeRequest,
  encodeResult,
  fingerprintKeys,
  makeDataKey,
  type RequestContent,
  seal,
  toRecordKeys,
} from "../packages/queue/src/index.ts";
import { formatFloat } from "../packages/tensors/src/bigdl/post-processing.ts";
import {
  type Datatype,
  DEFAULT_LIMITS,
  decodeRecord,
  encodeResult as encodeOlder,
  encodeRecord,
  fitInputs,
  isFloating,
  LAYOUTS,
  type OlderInput,
  parsePostProcessing,
  postProcess,
  readInstances,
  type Tensor,
  type TensorInfo,
  toBytes,
  toTensor,
} from "../packages/tensors/src/index.ts";

type NumericDatatype = Exclude<Datatype, "BYTES">;
const NUMERIC = Object.keys(LAYOUTS) as NumericDatatype[];
const SHAPES = [[], [0], [1], [5], [2, 3], [2, 0, 3], [1, 2, 2, 1]];
const KEY_ID = "serving-records";
const NAMES = ["x", "größe", 'a b"c', "模型"];

const SEED = 2026;
let state = SEED;

/** A number that looks random, the same at every run (the constants are those of ANSI C). */
function next(): number {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
  return state / 2_147_483_648;
}

const nextBytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => Math.floor(next() * 256)));
const fill = (bytes: Buffer): Buffer => {
  nextBytes(bytes.length).copy(bytes);
  return bytes;
};
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** Any bits at all; NaN, infinities and -0 are among them. */
function makeTensor(name: string, datatype: Datatype, shape: readonly number[]): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  if (datatype === "BYTES") {
    const data = Array.from({ length: count }, () => nextBytes(Math.floor(next() * 9)));
    return toTensor(name, datatype, shape, data);
  }
  const layout = LAYOUTS[datatype];
  const bytes = nextBytes(count * layout.bytes);
  if (datatype === "BOOL") for (const [at, value] of bytes.entries()) bytes[at] = value & 1;
  const data = layout.over(new Uint8Array(bytes).buffer, 0, count);
  if (isFloating(datatype)) makePlainNaN(data as Float32Array);
  return toTensor(name, datatype, shape, data);
}

/** Which bits another NaN has, no two implementations need to agree on. */
function makePlainNaN(values: Float32Array): void {
  for (const [at, value] of values.entries()) if (Number.isNaN(value)) values[at] = Number.NaN;
  if (values.length > 1) {
    values[0] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0][values.length % 4] ?? 0;
  }
}

const describe = ({ name, datatype, shape, data }: Tensor) => ({
  ...{ name, datatype, shape },
  data: datatype === "BYTES" ? data.map((bytes) => base64(bytes)) : base64(toBytes(data)),
});

const describeOlder = (input: OlderInput) =>
  input.kind === "text" ? { name: input.name, text: input.text } : describe(input.tensor);

const DATATYPES: readonly Datatype[] = [...NUMERIC, "BYTES"];
const keyBytes = [1, 2].map((version) => ({
  version,
  created: "2026-01-01T00:00:00.000Z",
  key: base64(Buffer.alloc(32, version)),
}));
const keyring = { version: 1, keys: [{ id: KEY_ID, current: 2, versions: keyBytes }] };

function makeRequest(content: RequestContent, number: number) {
  const keys = toRecordKeys({ id: KEY_ID, current: 1 + (number % 2), versions: keyBytes });
  const place = { stream: "serving_stream", uri: `uri-${number}-é`, model: NAMES[number % NAMES.length] ?? "" };
  const bytes = encodeRequest(content);
  const dataKey = makeDataKey(keys, place, fill);
  return { place, content: base64(bytes), sealed: base64(seal(dataKey, bytes, ["request", place], fill)) };
}

function makeTensorRecords() {
  const pairs = DATATYPES.flatMap((datatype) => SHAPES.map((shape) => ({ datatype, shape })));
  return pairs.map(({ datatype, shape }, number) => {
    const inputs = [makeTensor(NAMES[number % 4] ?? "x", datatype, shape), makeTensor("z", "FP32", [2])];
    const request: RequestContent = {
      ...{ kind: "tensors", inputs },
      ...(number % 3 === 0 ? {} : { version: String(number) }),
      ...(number % 2 === 0 ? {} : { outputs: ["y", "z"] }),
    };
    const result = encodeResult({ kind: "tensors", model: "m", version: "7", outputs: inputs });
    return { ...makeRequest(request, number), inputs: inputs.map(describe), result: base64(result) };
  });
}

function makeArrow() {
  const floats = (count: number): Float32Array => Float32Array.from({ length: count }, () => next() * 100 - 50);
  const records = [
    [{ name: "t", data: floats(6), shape: [2, 3] }],
    [{ name: "t", data: floats(1), shape: [] }],
    [{ name: "t", data: floats(0), shape: [0, 4] }],
    [
      { name: "a", data: floats(4), shape: [4] },
      { name: "b", data: floats(2), shape: [1, 2] },
    ],
    [{ name: "s", data: floats(2), shape: [3, 3], indices: Int32Array.of(0, 2, 1, 0), indicesShape: [2, 2] }],
    [{ name: "s", data: floats(3), shape: [4], indices: Int32Array.of(0, 3, 1), indicesShape: [3, 1] }],
    [{ name: "words", text: "one|two|größe|" }],
  ];
  return records.map((inputs) => {
    const bytes = encodeRecord(inputs);
    return { data: base64(bytes), inputs: decodeRecord(bytes, DEFAULT_LIMITS).map(describeOlder) };
  });
}

const BODIES: readonly string[] = [
  '{"instances":[{"t":[[1,2],[3,4.5]]}]}',
  '{"instances":[{"t":3}]}',
  '{"instances":[{"t":[]}]}',
  '{"instances":[{"t":["a","b"]}]}',
  '{"instances":[{"t":"a|b"}]}',
  '{"instances":[{"t":[1,"NaN","-Infinity"]}]}',
  '{"instances":[{"t":{"shape":[2,2],"data":[1,2,3,4]}}]}',
  '{"instances":[{"t":{"shape":[2,2],"data":[7,9],"indices":[[0,1],[0,1]]}}]}',
  '{"instances":[[1,2,3]]}',
  '{"instances":[{"b":[1],"a":[2]},{"b":[3]}]}',
  '{"instances":[{"t":[[1,2],[3]]}]}',
  '{"instances":[{"t":[1,true]}]}',
  '{"instances":[{"t":[1e39]}]}',
  '{"instances":[{"t":{"shape":[-1],"data":[]}}]}',
  '{"instances":[{"t":{"shape":[2],"data":[1]}}]}',
  '{"instances":[{"t":{"shape":[2,2],"data":[7],"indices":[[0],[5]]}}]}',
  '{"instances":[{"t":{"shape":[99999999,99999999],"data":[]}}]}',
  '{"instances":[]}',
  '{"instances":{}}',
  "[",
  `{"instances":[{"t":${"[".repeat(20)}1${"]".repeat(20)}}]}`,
];

function makeJson() {
  return BODIES.map((body) => {
    try {
      return { body, inputs: (readInstances(Buffer.from(body), DEFAULT_LIMITS)[0] ?? []).map(describeOlder) };
    } catch (error) {
      return { body, code: toCode(error) };
    }
  });
}

/** Every datatype that the older formats have, into every datatype that a model may take. */
async function makeFits() {
  const given = [
    toTensor("x", "FP32", [2], Float32Array.of(1, 200)),
    toTensor("x", "FP32", [2], Float32Array.of(0.5, -3)),
    toTensor("x", "FP32", [2], Float32Array.of(Number.NaN, 1e30)),
    toTensor("x", "INT64", [2], BigInt64Array.of(-1n, 2n ** 40n)),
    toTensor("x", "UINT64", [1], BigUint64Array.of(2n ** 64n - 1n)),
    toTensor("x", "FP64", [1], Float64Array.of(2 ** 63)),
    toTensor("x", "INT8", [3], Int8Array.of(0, 1, -128)),
    toTensor("x", "BYTES", [1], [Buffer.from("a")]),
  ];
  const pairs = given.flatMap((tensor) => DATATYPES.map((datatype) => ({ tensor, datatype })));
  return Promise.all(
    pairs.map(async ({ tensor, datatype }) => {
      const info: TensorInfo = { name: "model's", datatype, shape: [-1, -1] };
      const fitting = fitInputs([{ kind: "tensor", tensor }], [info], { limits: DEFAULT_LIMITS });
      const [fitted] = await fitting.catch((error) => [toCode(error)]);
      const found = typeof fitted === "string" ? { code: fitted } : { fitted: describe(fitted as Tensor) };
      return { given: describe(tensor), datatype, ...found };
    }),
  );
}

function makeOlderResults() {
  const outputs = NUMERIC.flatMap((datatype) =>
    [[3], [2, 2], [1], [1, 1, 1]].map((shape) => makeTensor("y", datatype, shape)),
  );
  return [...outputs.map((output) => [output]), outputs.slice(0, 3)].map((tensors) => ({
    outputs: tensors.map(describe),
    value: encodeOlder(tensors).toString("base64"),
  }));
}

function makePostProcessing() {
  const outputs = [
    toTensor("y", "FP32", [6], Float32Array.of(0.5, Number.NaN, 3, -1, 3, 1e-9)),
    toTensor("y", "FP32", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 1.17e9)),
    toTensor("y", "INT64", [1, 2, 2], BigInt64Array.of(1n, 2n, 3n, 2n ** 53n + 1n)),
  ];
  return ["topN(1)", "topN(4)", "pickTopN(1)", "pickTopN(9)"].flatMap((text) =>
    outputs.map((output) => {
      const asked = parsePostProcessing(text);
      if (asked === undefined) throw new Error(`${text} is no post-processing`);
      try {
        return { text, output: describe(output), value: postProcess(asked, [output]) };
      } catch (error) {
        return { text, output: describe(output), code: toCode(error) };
      }
    }),
  );
}

function makeFloats() {
  const bits = Array.from({ length: 300 }, () => nextBytes(4));
  return bits.map((bytes) => ({ bits: bytes.readInt32LE(), text: formatFloat(bytes.readFloatLE()) }));
}

function makeModels() {
  const key = createSecretKey(Buffer.from(keyBytes[0]?.key ?? "", "base64"));
  return [0, 1, 1000].map((size) => {
    const model = nextBytes(size);
    return { model: base64(model), sealed: base64(sealModel(model, { id: KEY_ID, version: 1, key }, nextBytes)) };
  });
}

/** A picture of one pixel, as PNG. */
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** What BigDL's Scala and Python wrote, with every cipher; and pictures, as bytes and as base64. */
function makeOlderBlobs() {
  const blobs = OLDER_CIPHERS.map((cipher) => {
    const files = [false, true].flatMap((isPython) => writeOlderModels(cipher, { isPython, fill: nextBytes }));
    return { cipher, files: files.map(base64) };
  });
  const pictures = [Buffer.from(PIXEL, "base64"), Buffer.from(PIXEL)].map((picture) =>
    encryptAsOlder("aes-128-gcm", picture, { fill: nextBytes }).toString("base64"),
  );
  return { ...OLDER_SECRETS, model: base64(OLDER_MODEL), blobs, pixel: PIXEL, pictures };
}

/** Orders of a gateway, and one of a kind that nobody knows. */
function makeOrders() {
  const keys = toRecordKeys({ id: KEY_ID, current: 2, versions: keyBytes });
  return ["load", "unload", "explode"].map((verb, number) => {
    const place = { stream: "serving_stream", uri: "", model: NAMES[number] ?? "" };
    const content = Buffer.from(`${verb} number-${number}`);
    const sealed = seal(makeDataKey(keys, place, fill), content, ["order", place], fill);
    return { verb, model: place.model, sealed: base64(sealed) };
  });
}

/** Models for what tells one from another: datatypes, rows that depend on others, inputs that fail, runs that last. */
function makeOnnx() {
  const identities = DATATYPES.map((datatype) => [`same-${datatype}`, writeIdentity(datatype, "n", "m")] as const);
  const models = {
    ...Object.fromEntries(identities),
    ...{ scalar: writeIdentity("FP32"), mlp: writeMlp([4, 3]), centered: writeCentered() },
    ...{ lookup: writeLookup(), slow: writeSlow() },
  };
  return Object.fromEntries(Object.entries(models).map(([name, bytes]) => [name, base64(bytes)]));
}

/** What an engine says that has the model `same-FP32` under the name `echo`, and could not carry out an order. */
function makeAnnouncement(): string {
  const info = (name: string): TensorInfo => ({ name, datatype: "FP32", shape: [-1, -1] });
  const stream = { tokens: "x", next: "y" };
  const catalog = {
    list: () => [{ model: "echo", version: "1", state: "READY", labels: ["stable"] } as const],
    describe: () => ({ version: "1", inputs: [info("x")], outputs: [info("y"), info("z")], maxRows: 32, stream }),
  };
  const failure = { order: "7-0", code: "MODEL_UNKNOWN", message: "größer", mend: "none" } as const;
  const recordKeys = fingerprintKeys({ id: KEY_ID, versions: keyBytes });
  return writeAnnouncement(catalog, { carriedOut: { upTo: "7-1", failures: [failure] }, recordKeys });
}

function toCode(error: unknown): string {
  if (error instanceof BulwarkError) return error.code;
  throw error;
}

/** Statuses of all codes: those below 500 are the asker's own. */
const statuses = Object.fromEntries(Object.entries(ERRORS).map(([code, { http }]) => [code, http]));

export async function renderGoldenServing(): Promise<string> {
  state = SEED;
  const failure = { code: "MODEL_FAILED", message: "größer", mend: "none" } as const;
  const golden = {
    keyring,
    statuses,
    tensors: makeTensorRecords(),
    older: [
      makeRequest({ kind: "older", data: Buffer.from("abc") }, 0),
      makeRequest({ kind: "older", serde: "stream", data: Buffer.from('{"instances":[1]}') }, 1),
    ],
    results: {
      failure: base64(encodeResult({ kind: "failure", ...failure })),
      older: base64(encodeResult({ kind: "older", value: Buffer.from("NaN") })),
    },
    arrow: makeArrow(),
    json: makeJson(),
    fits: await makeFits(),
    olderResults: makeOlderResults(),
    postProcessing: makePostProcessing(),
    floats: makeFloats(),
    models: makeModels(),
    orders: makeOrders(),
    olderBlobs: makeOlderBlobs(),
    onnx: makeOnnx(),
    announcement: makeAnnouncement(),
  };
  return `${JSON.stringify(golden)}\n`;
}
