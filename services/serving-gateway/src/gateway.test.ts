// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { writeIdentity, writeLookup, writeSlow, writeSum } from "@bulwark/inference/testing";
import { initKeys } from "@bulwark/pki";
import { DEFAULT_LIMITS, decodeResult, readInferBinary } from "@bulwark/tensors";
import { type ServiceError, status } from "@grpc/grpc-js";
import { type GatewayConfig, parseConfig } from "./config.ts";
import { type Started, startGateway } from "./start.ts";
import { callGrpc } from "./testing/call-grpc.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-gateway-"));
const models = join(root, "models");
const FILES = {
  lookup: writeLookup(),
  strings: writeIdentity("BYTES", "rows", 2),
  sum: writeSum(),
  slow: writeSlow(),
};
for (const [name, bytes] of Object.entries(FILES)) {
  const path = join(models, name, "1", "model.onnx");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const running: Started[] = [];
after(async () => {
  for (const started of running) await started.close();
  await rm(root, { recursive: true, force: true });
});

async function open(settings: Partial<GatewayConfig>): Promise<Started> {
  const started = await startGateway(parseConfig(JSON.stringify({ models, ...settings }), "test"));
  assert.deepEqual(started.failures, []);
  running.push(started);
  return started;
}

let base = "";
let grpc = "";
before(async () => {
  const older = { model: "sum", dialect: "b" } as GatewayConfig["older"];
  const started = await open({ httpPort: 0, grpcPort: 0, bodyBytes: 100_000, older });
  base = started.addresses.http ?? "";
  grpc = started.addresses.grpc ?? "";
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(base + path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
const lookup = (...data: unknown[]): object => ({
  inputs: [{ name: "x", datatype: "INT64", shape: [data.length], data }],
});

test("health, metadata, index and statistics are those of the protocol", async () => {
  type Answer = Record<string, unknown> & { model_stats: { name: string }[] };
  const get = async (path: string) => (await (await fetch(base + path)).json()) as Answer;
  assert.deepEqual(await get("/v2/health/live"), { live: true });
  assert.deepEqual(await get("/v2/health/ready"), { ready: true, live: true });
  assert.deepEqual(await get("/v2/models/lookup/versions/1/ready"), { name: "lookup", ready: true, live: true });
  const { inputs, outputs, versions } = await get("/v2/models/lookup");
  assert.deepEqual(
    { inputs, outputs, versions },
    {
      inputs: [{ name: "x", datatype: "INT64", shape: [-1] }],
      outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
      versions: ["1"],
    },
  );
  const index = (await (await post("/v2/repository/index", { ready: true })).json()) as {
    name: string;
    state: string;
  }[];
  assert.deepEqual(new Set(index.map(({ state }) => state)), new Set(["READY"]));
  assert.equal((await get("/v2/models/lookup/stats")).model_stats[0]?.name, "lookup");
});

test("JSON in, JSON out, with the caller's id and the outputs asked for", async () => {
  const answer = await post("/v2/models/lookup/infer", { id: "7", ...lookup(3, 4), outputs: [{ name: "y" }] });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), {
    model_name: "lookup",
    model_version: "1",
    id: "7",
    outputs: [{ name: "y", shape: [2], datatype: "FP32", data: [9, 16] }],
  });
  const words = { inputs: [{ name: "x", datatype: "BYTES", shape: [1, 2], data: ["é", ""] }] };
  const echoed = (await (await post("/v2/models/strings/infer", words)).json()) as { outputs: { data: string[] }[] };
  assert.deepEqual(echoed.outputs[0]?.data, ["é", ""]);
});

test("binary in, binary out", async () => {
  const data = Buffer.from(new BigInt64Array([5n]).buffer);
  const header = Buffer.from(
    JSON.stringify({
      inputs: [{ name: "x", datatype: "INT64", shape: [1], parameters: { binary_data_size: data.length } }],
      parameters: { binary_data_output: true },
    }),
  );
  const headers = { "inference-header-content-length": String(header.length) };
  const answer = await fetch(`${base}/v2/models/lookup/infer`, {
    method: "POST",
    body: Buffer.concat([header, data]),
    headers,
  });
  const body = Buffer.from(await answer.arrayBuffer());
  const length = Number(answer.headers.get("inference-header-content-length"));
  // An answer has the form of a request but for the name of its list.
  const twisted = Buffer.from(body.toString("latin1").replace('"outputs"', '"inputs"'), "latin1");
  const { inputs } = readInferBinary(twisted, length - 1, DEFAULT_LIMITS);
  assert.deepEqual(inputs[0]?.data, new Float32Array([25]));
});

const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
for (const [name, code, answered, path, body] of [
  ["no JSON", "TENSOR_MALFORMED", 400, "lookup/infer", "{"],
  ["an empty body", "TENSOR_MALFORMED", 400, "lookup/infer", ""],
  ["depth 10,000", "TENSOR_SHAPE", 400, "lookup/infer", JSON.stringify(lookup()).replace("[]}]", `${deep}}]`)],
  [
    "a negative dimension",
    "TENSOR_SHAPE",
    400,
    "lookup/infer",
    { inputs: [{ name: "x", datatype: "INT64", shape: [-1], data: [1] }] },
  ],
  [
    "another shape",
    "TENSOR_SHAPE",
    400,
    "lookup/infer",
    { inputs: [{ name: "x", datatype: "INT64", shape: [1, 1], data: [1] }] },
  ],
  [
    "another datatype",
    "TENSOR_DATATYPE",
    400,
    "lookup/infer",
    { inputs: [{ name: "x", datatype: "FP32", shape: [1], data: [1] }] },
  ],
  ["a missing input", "TENSOR_MISSING", 400, "lookup/infer", { inputs: [] }],
  ["an unknown output", "TENSOR_UNKNOWN", 400, "lookup/infer", { ...lookup(1), outputs: [{ name: "no" }] }],
  ["an unknown model", "MODEL_UNKNOWN", 404, "nothing/infer", lookup(1)],
  ["an unknown version", "MODEL_VERSION_UNKNOWN", 404, "lookup/versions/9/infer", lookup(1)],
  [
    "NaN",
    "TENSOR_VALUE",
    400,
    "sum/infer",
    { inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: ["NaN", 1] }] },
  ],
  ["a body that is too large", "TENSOR_TOO_LARGE", 413, "lookup/infer", " ".repeat(100_001)],
  ["what makes the model throw", "MODEL_FAILED", 500, "lookup/infer", lookup(77)],
  ["a stream without its input", "TENSOR_MISSING", 400, "lookup/generate_stream", {}],
] as const) {
  test(`refused with a code: ${name}`, async () => {
    const answer = await post(`/v2/models/${path}`, body);
    const problem = (await answer.json()) as { code: string; error: string };
    assert.deepEqual([answer.status, problem.code], [answered, code]);
    assert.equal(typeof problem.error, "string");
    assert.equal((await post("/v2/models/lookup/infer", lookup(2))).status, 200, "others are served");
  });
}

test("a body of 1 GiB is refused before it is read", async () => {
  const { hostname, port } = new URL(base);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST /v2/models/lookup/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 30}\r\n\r\n{"inputs"`);
    });
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
    socket.once("error", reject);
  });
  assert.match(answer, /^HTTP\/1.1 413 /);
  assert.match(answer, /TENSOR_TOO_LARGE/);
});

test("a body that comes in pieces is put together, and refused once it is too large", async () => {
  const send = (pieces: readonly string[]) => {
    const body = ReadableStream.from(pieces.map((piece) => Buffer.from(piece)));
    return fetch(`${base}/v2/models/lookup/infer`, { method: "POST", body, duplex: "half" });
  };
  const text = JSON.stringify(lookup(3));
  const answer = await send([text.slice(0, 20), text.slice(20, 21), text.slice(21)]);
  assert.deepEqual(await answer.json(), await (await post("/v2/models/lookup/infer", lookup(3))).json());
  const refused = await send(Array.from({ length: 11 }, () => " ".repeat(10_000)));
  assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [413, "TENSOR_TOO_LARGE"]);
});

test("a deadline that passes is an answer, and a deadline of the caller counts", async () => {
  const inputs = [
    { name: "x", datatype: "FP32", shape: [1], data: [1] },
    { name: "trips", datatype: "INT64", shape: [], data: [300_000] },
  ];
  const answer = await post("/v2/models/slow/infer", { inputs, parameters: { timeout: 40_000 } });
  assert.equal(answer.status, 504);
  assert.equal(((await answer.json()) as { code: string }).code, "SERVING_DEADLINE");
});

test("the older surface answers in its dialects, and NaN for what the model cannot take", async () => {
  assert.equal(await (await fetch(base)).text(), "welcome to BigDL web serving frontend");
  const body = { instances: [{ x: [1, 2] }, { x: [1, 2, 3] }, { x: "no image" }] };
  const answer = await post("/predict", body);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/);
  const { predictions } = JSON.parse(await answer.text()) as { predictions: string[] };
  assert.deepEqual(
    predictions.map((prediction) => JSON.parse(prediction).value),
    ['{"data":[3],"shape":[1,1]}', "NaN", "NaN"],
  );
  const quoted = await (await post("/predict", { instances: [{ x: [1, 2] }] }, { "bulwark-dialect": "c" })).json();
  const [arrow = ""] = (quoted as { predictions: string[] }).predictions;
  assert.deepEqual(
    decodeResult(Buffer.from(JSON.parse(arrow), "base64"), DEFAULT_LIMITS)[0]?.data,
    new Float32Array([3]),
  );
  const statuses = [
    ["/predict", "no JSON", 400],
    ["/models/nothing/versions/1/predict", body, 404],
    ["/models/sum/versions/1/predict", { instances: [] }, 405],
    ["/model-secure", "secret=a&salt=b", 405],
  ] as const;
  for (const [path, given, expected] of statuses) assert.equal((await post(path, given)).status, expected, path);
  const listed = (await (await fetch(`${base}/models/sum`)).json()) as { modelName: string }[];
  assert.equal(listed[0]?.modelName, "sum");
  assert.equal((await fetch(`${base}/models/nothing`)).status, 404);
});

test("metrics for Prometheus, and as the older server had them", async () => {
  const prometheus = await (await fetch(`${base}/metrics`)).text();
  assert.match(prometheus, /^nv_inference_count\{model="lookup",version="1"\} [1-9]/m);
  assert.match(prometheus, /^nv_inference_request_failure\{model="lookup",reason="BACKEND",code="MODEL_FAILED"\} 1$/m);
  assert.match(prometheus, /^bulwark_serving_in_flight 0$/m);
  const timers = (await (await fetch(`${base}/metrics?format=bigdl`)).json()) as { name: string; count: number }[];
  assert.ok(timers.some(({ name, count }) => name === "bigdl.serving.request.predict" && count > 0));
});

test("the description of the interface needs nothing from outside", async () => {
  const page = await (await fetch(`${base}/docs`)).text();
  assert.equal(/(src|href)="https?:/.test(page), false);
  const api = (await (await fetch(`${base}/openapi.json`)).json()) as { paths: Record<string, object> };
  for (const path of Object.keys(api.paths)) {
    const url = base + path.replace("{model}", "sum").replace("{version}", "1").replace("{id}", "x");
    if (path.endsWith("load")) continue;
    for (const method of Object.keys(api.paths[path] ?? {}).map((name) => name.toUpperCase())) {
      assert.doesNotMatch(await (await fetch(url, { method })).text(), /SERVING_ROUTE/, `${method} ${path}`);
    }
  }
});

const call = (method: string, types: [string, string], message: object) => callGrpc(grpc, { method, types, message });

test("gRPC: typed and raw contents, metadata, errors", async () => {
  const infer = (message: object) => call("ModelInfer", ["ModelInferRequest", "ModelInferResponse"], message);
  const input = { name: "x", datatype: "INT64", shape: [2] };
  const typed = await infer({ model_name: "lookup", inputs: [{ ...input, contents: { int64_contents: [2, 3] } }] });
  assert.deepEqual((typed.outputs as { contents: { fp32_contents: number[] } }[])[0]?.contents.fp32_contents, [4, 9]);
  const raw = Buffer.from(new BigInt64Array([2n, 3n]).buffer);
  const answer = await infer({ model_name: "lookup", id: "a", inputs: [input], raw_input_contents: [raw] });
  assert.deepEqual(
    [...(answer.raw_output_contents as Uint8Array[])].map((bytes) => Buffer.from(bytes).readFloatLE(4)),
    [9],
  );
  assert.equal(answer.id, "a");
  const metadata = await call("ModelMetadata", ["ModelRequest", "ModelMetadataResponse"], { name: "lookup" });
  assert.equal(metadata.platform, "onnx_onnxv1");
  const ready = await call("ModelReady", ["ModelRequest", "ReadyResponse"], { name: "lookup" });
  assert.equal(ready.ready, true);
  const statistics = await call("ModelStatistics", ["ModelRequest", "ModelStatisticsResponse"], { name: "lookup" });
  const [counted] = statistics.model_stats as { name: string; inference_stats: { success: { count: unknown } } }[];
  assert.ok(counted?.name === "lookup" && Number(counted.inference_stats.success.count) > 0);
  for (const [code, message] of [
    [status.NOT_FOUND, { model_name: "nothing" }],
    [status.INVALID_ARGUMENT, { model_name: "lookup", inputs: [input] }],
    [status.INVALID_ARGUMENT, { model_name: "lookup", inputs: [{ ...input, shape: [-1] }], raw_input_contents: [raw] }],
    [status.INTERNAL, { model_name: "lookup", inputs: [{ ...input, contents: { int64_contents: [1, 77] } }] }],
  ] as const) {
    await assert.rejects(infer(message), (error: ServiceError) => error.code === code);
  }
});

test("a content type or a path that is none is refused with a code, in the caller's dialect", async () => {
  const odd = { "content-type": "none" };
  const asked = await post("/v2/models/lookup/infer", lookup(1), odd);
  const lost = await post("/v2/models/%", lookup(1));
  for (const answer of [asked, lost]) {
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, "SERVING_REQUEST"]);
  }
  const older = await post("/predict", { instances: [] }, odd);
  assert.deepEqual([older.status, (await older.text()).split(":")[0]], [400, "SERVING_REQUEST"]);
});

test("callers beyond their limits get 429, beyond the server's 503, each with a time to try again", async () => {
  const limits = { clientLimits: { requestsPerSecond: 1, burst: 2, concurrent: 0 } };
  const { addresses } = await open({ httpPort: 0, ...limits });
  const statuses: number[] = [];
  for (let count = 0; count < 3; count++) {
    const answer = await fetch(`${addresses.http}/v2/models/lookup/infer`, {
      method: "POST",
      body: JSON.stringify(lookup(1)),
    });
    statuses.push(answer.status);
    if (answer.status === 429) assert.equal(answer.headers.get("retry-after"), "1");
  }
  assert.deepEqual(statuses, [200, 200, 429]);
  // The one that is let in waits for more rows, so that the others find it there.
  const modelSettings = { lookup: { batch: { maxRows: 32, windowMs: 1_000 } } };
  const full = await open({ httpPort: 0, maxInFlight: 1, modelSettings });
  const many = Array.from({ length: 20 }, () =>
    fetch(`${full.addresses.http}/v2/models/lookup/infer`, { method: "POST", body: JSON.stringify(lookup(1)) }),
  );
  const answers = await Promise.all(many);
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200, 503]));
});

test("tokens, and HTTPS with certificates of our authority", async () => {
  const keysFolder = join(root, "keys");
  const keys = await initKeys(keysFolder, { now: new Date() });
  const { certificate, privateKey, caBundle } = keys.files.server;
  const tokensFile = join(root, "tokens");
  const digest = createHash("sha256").update("opensesame").digest("hex");
  await writeFile(tokensFile, `# who may call\nclinic ${digest}\n`, { mode: 0o600 });
  const tls = { certificate, privateKey, caBundle };
  const guarded = await open({ httpPort: 0, tokensFile });
  const ask = async (authorization?: string): Promise<number> => {
    const headers = authorization === undefined ? {} : { authorization };
    const body = JSON.stringify(lookup(1));
    return (await fetch(`${guarded.addresses.http}/v2/models/lookup/infer`, { method: "POST", body, headers })).status;
  };
  assert.deepEqual([await ask(), await ask("Bearer wrong"), await ask("Bearer opensesame")], [401, 401, 200]);

  const secure = await open({ httpsPort: 0, tls, clientCertificates: true });
  const ca = await readFile(caBundle);
  const get = (options: object): Promise<string> =>
    new Promise((resolve, reject) => {
      requestHttps(`${secure.addresses.https}/v2`, { ca, ...options }, (answer) => resolve(text(answer)))
        .once("error", reject)
        .end();
    });
  const own = {
    cert: await readFile(keys.files.driver.certificate),
    key: await readFile(keys.files.driver.privateKey),
  };
  assert.equal(JSON.parse(await get(own)).name, "bulwark");
  await assert.rejects(get({}), "a caller without certificate is refused");
});

for (const [what, settings] of [
  ["an unknown setting", { htpPort: 1 }],
  ["a wrong type", { httpPort: "80" }],
  ["HTTPS without a certificate", { httpsPort: 1 }],
  ["plain HTTP for others", { host: "0.0.0.0", httpPort: 1, tokensFile: "t" }],
  ["others without a way to know them", { host: "0.0.0.0" }],
  ["a queue that is not there", { delivery: { "*": "durable" } }],
  ["a dialect that is not there", { older: { dialect: "z" } }],
] as const) {
  test(`settings are refused: ${what}`, () => {
    assert.throws(() => parseConfig(JSON.stringify({ models, ...settings }), "test"), { code: "SERVING_CONFIG" });
  });
}
