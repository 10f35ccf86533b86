// SPDX-License-Identifier: Apache-2.0
// Every sample model that the Python package `onnx` carries: the engine's answer for one request is that of ONNX Runtime
// called bare, bit for bit, and as near to what the package itself expects as its own runner wants. Some are asked over HTTP.
import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { createEngine } from "../../packages/inference/src/create-engine.ts";
import { openFile } from "../../packages/inference/src/repository.ts";
import { DEFAULT_SETTINGS } from "../../packages/inference/src/settings.ts";
import * as ort from "../../packages/inference/src/testing/onnx-runtime.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import { fetchOnnxSamples, ONNX_PACKAGE_VERSION, ONNX_SAMPLES } from "./onnx-package.ts";
import { assertNear, findKind, type Numbers, readReference, type Sample, type Values } from "./onnx-reference.ts";
import { startGateway } from "./start-gateway.ts";

async function listModels(): Promise<string[]> {
  const files = await readdir(ONNX_SAMPLES, { recursive: true });
  return files.filter((file) => file.endsWith(".onnx")).toSorted();
}

const isThere = await fetchOnnxSamples();
const models = isThere ? await listModels() : [];

test("the sample models were found", { skip: isThere ? false : `no package onnx ${ONNX_PACKAGE_VERSION}` }, () => {
  assert.ok(models.length > 100, `${models.length} models`);
});

/** Numbers for a model that comes without: all of those take some of FP32. */
function makeUp({ name, type, shape }: ort.InferenceSession.TensorValueMetadata): Sample {
  const dims = shape.map((size) => (typeof size === "number" ? size : 1));
  const count = dims.reduce((product, size) => product * size, 1);
  const data = Float32Array.from({ length: count }, (_, at) => (at % 251) / 251);
  assert.equal(type, "float32");
  return { name, kind: findKind({ type }), dims, data };
}

/** What ONNX Runtime itself says, called without anything of the engine's: outputs, or why it does not run the model. */
async function runBare(path: string, given: readonly Sample[] | undefined) {
  try {
    const options = { executionProviders: ["cpu"], intraOpNumThreads: 1, logSeverityLevel: 4 } as const;
    const session = await ort.InferenceSession.create(path, options);
    const inputs = session.inputMetadata.map((info, at): Sample => {
      if (given === undefined && info.isTensor) return makeUp(info);
      return { ...(given?.[at] ?? assert.fail(info.name)), name: info.name };
    });
    const feeds = inputs.map(({ name, kind, dims, data }) => {
      return [name, new ort.Tensor(kind.type as "float32", data as Float32Array, dims)];
    });
    const results = await session.run(Object.fromEntries(feeds));
    const outputs = session.outputNames.map((name): Sample => {
      const { type, dims, data } = results[name] ?? assert.fail(name);
      return { name, kind: findKind({ type }), dims: [...dims], data: data as Values };
    });
    return { inputs, outputs };
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

/** Why ONNX Runtime itself may refuse a sample; anything else is a fault of ours. */
const REFUSALS = [
  // Kernels start at operator set 7: https://onnxruntime.ai/docs/reference/compatibility.html
  /Could not find an implementation for \w+\([1-6]\)/,
  // Operators of training, which the package for inference lacks.
  /ai\.onnx\.preview\.training/,
  // The machine lacks the locale en_US.UTF-8.
  /StringNormalizer::Locale/,
];

/** Those that were answered, with what they were asked and must answer. */
const answered: { path: string; inputs: Sample[]; outputs: Sample[]; expected: Sample[] | undefined }[] = [];
for (const model of models) {
  test(model, async (t) => {
    const path = join(ONNX_SAMPLES, model);
    const reference = readReference(path);
    const bare = await runBare(path, reference?.inputs);
    const engine = createEngine({ repository: openFile(path, "m"), settings: () => DEFAULT_SETTINGS, now: Date.now });
    t.after(() => engine.close());
    if ("refusal" in bare) {
      const { refusal } = bare;
      assert.ok(
        REFUSALS.some((reason) => reason.test(refusal)),
        refusal,
      );
      const settle = engine.load("m").then(() => engine.infer("m", undefined, []));
      await assert.rejects(settle, { name: "BulwarkError" });
      return;
    }
    await engine.load("m");
    // The engine takes the memory of what it is given.
    const { outputs } = await engine.infer("m", undefined, bare.inputs.map(toTensor));
    const samples = outputs.map(toSample);
    assert.deepEqual(samples.map(toBits), bare.outputs.map(toBits));
    checkNear(samples, reference?.outputs);
    answered.push({ path, ...bare, expected: reference?.outputs });
  });
}

test("most of them were answered, and most of these with what the package expects", {
  skip: models.length === 0,
}, () => {
  const expected = answered.filter((one) => one.expected !== undefined);
  assert.ok(expected.length >= 100, `${expected.length} of ${answered.length} of ${models.length}`);
});

const SHARE = 6;
test("they answer the same over HTTP", { skip: models.length === 0, timeout: 120_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), "bulwark-samples-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const some = answered.filter(({ expected }, at) => expected !== undefined && at % SHARE === 0);
  for (const { path } of some) {
    const place = join(root, "models", nameOf(path), "1", "model.onnx");
    await mkdir(dirname(place), { recursive: true });
    await copyFile(path, place);
  }
  const { http } = await startGateway(t, { root, ports: { httpPort: 0 } });
  for (const { path, inputs, outputs, expected } of some) {
    const answers = await askOver(`${http}/v2/models/${nameOf(path)}/infer`, inputs);
    assert.deepEqual(answers.map(toBits), outputs.map(toBits), path);
    checkNear(answers, expected);
  }
});

const nameOf = (path: string): string => basename(dirname(path));

function checkNear(samples: readonly Sample[], expected: readonly Sample[] | undefined): void {
  for (const [at, { name, kind, dims, data }] of (expected ?? []).entries()) {
    const sample = samples[at] ?? assert.fail(name);
    assert.deepEqual([sample.kind.datatype, sample.dims], [kind.datatype, dims], name);
    assertNear(sample.data, data, name);
  }
}

function toTensor({ name, kind, dims, data }: Sample): Tensor {
  const own = Array.isArray(data) ? data.map((text) => Buffer.from(text)) : data.slice();
  return { name, datatype: kind.datatype, shape: dims, data: own } as Tensor;
}

function toSample({ name, datatype, shape, data }: Tensor): Sample {
  const values = datatype === "BYTES" ? data.map((bytes) => Buffer.from(bytes).toString()) : (data as Numbers);
  return { name, kind: findKind({ datatype }), dims: [...shape], data: values };
}

/** Bytes, so that one NaN equals another only if it is the same. */
function toBits({ name, kind, dims, data }: Sample): object {
  const bits = Array.isArray(data)
    ? data
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
  return { name, datatype: kind.datatype, dims, bits };
}

/**
 * One request with binary tensors, written down by the protocol's words alone.
 *
 * @see https://github.com/kserve/open-inference-protocol/blob/main/specification/extension_binary_data.md
 */
async function askOver(url: string, inputs: readonly Sample[]): Promise<Sample[]> {
  const raw = inputs.map(({ data }) => toWire(data));
  const head = Buffer.from(
    JSON.stringify({
      inputs: inputs.map(({ name, kind, dims }, at) => {
        const parameters = { binary_data_size: raw[at]?.length };
        return { name, datatype: kind.datatype, shape: dims, parameters };
      }),
      parameters: { binary_data_output: true },
    }),
  );
  const headers = { "Inference-Header-Content-Length": `${head.length}`, "Content-Type": "application/octet-stream" };
  const response = await fetch(url, { method: "POST", headers, body: Buffer.concat([head, ...raw]) });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200, body.toString());
  let at = Number(response.headers.get("Inference-Header-Content-Length"));
  type Output = { name: string; datatype: string; shape: number[]; parameters: { binary_data_size: number } };
  const { outputs } = JSON.parse(body.toString("utf8", 0, at)) as { outputs: Output[] };
  return outputs.map(({ name, datatype, shape, parameters }) => {
    const bytes = body.subarray(at, at + parameters.binary_data_size);
    at += bytes.length;
    const kind = findKind({ datatype });
    return { name, kind, dims: shape, data: kind.type === "string" ? readTexts(bytes) : kind.make(copy(bytes)) };
  });
}

const copy = (bytes: Buffer): ArrayBuffer => Uint8Array.from(bytes).buffer;

function toWire(data: Values): Buffer {
  if (!Array.isArray(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat(
    data.flatMap((text) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Buffer.byteLength(text));
      return [length, Buffer.from(text)];
    }),
  );
}

function readTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    texts.push(bytes.toString("utf8", at + 4, end));
    at = end;
  }
  return texts;
}
