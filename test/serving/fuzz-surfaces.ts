// SPDX-License-Identifier: Apache-2.0
// What strangers may send to a gateway, surface by surface.
import type { Dice } from "../../packages/attestation/src/testing/fuzz/mutate.ts";
import { toTensor } from "../../packages/tensors/src/index.ts";
import { writeInferRequest } from "../../packages/tensors/src/oip/client.ts";
import { codecOf } from "../../services/serving-gateway/src/grpc/schema.ts";
import { frame, sendFrame } from "../../services/serving-gateway/src/testing/send-frame.ts";
import { HEADS, sendHead } from "./fuzz-heads.ts";
import { type Connections, demandAnswer, judge, judgeOlder, post } from "./fuzz-http.ts";
import { judgeStatus, METADATA, sendMetadata } from "./fuzz-metadata.ts";
import { makeRaw, sendRaw } from "./fuzz-raw.ts";
import { SERVING_TARGETS } from "./fuzz-targets.ts";

export type Surface = {
  seeds(): readonly Buffer[];
  /** Sends what seeds were made to, and gives what came of it in a few words. Throws when that may not be. */
  send(to: Connections, input: Buffer, dice: Dice): Promise<string>;
  /** Asks what is right, and gives the answer, the same each time. Throws when it is refused. */
  ask(to: Connections): Promise<string>;
};

const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const row = toTensor("x", "FP32", [2, 3], new Float32Array([1, 2.5, -3, 4e10, 0, 6]));
const index = toTensor("x", "INT64", [2], new BigInt64Array([3n, 4n]));
const words = toTensor("x", "BYTES", [1, 2], [Buffer.from("é"), Buffer.from("")]);
const ASKED = [
  { inputs: [row], parameters: { timeout: 5_000_000, priority: 1 }, outputs: ["y"] },
  { inputs: [index] },
  { inputs: [words] },
];
/** Models that take what seeds hold; the last is none. */
const MODELS = ["echo", "lookup", "strings", "nobody"];
const pick = <Value>(from: readonly Value[], dice: Dice): Value => from[dice(from.length)] as Value;
const pathTo = (model: string): string => `/v2/models/${model}/infer`;
const seedsOf = (target: string): Buffer[] => SERVING_TARGETS[target]?.seeds() ?? [];
const bodyOf = writeInferRequest({ inputs: [row] }, "json").body;

/** A surface of the protocol over HTTP. */
const overHttp = (
  seeds: readonly Buffer[],
  form: (input: Buffer) => { body: Buffer; headers: object } = (body) => ({ body, headers: {} }),
  path: (dice: Dice) => string = (dice) => pathTo(pick(MODELS, dice)),
): Surface => ({
  seeds: () => seeds,
  async send(to, input, dice) {
    const { body, headers } = form(input);
    return judge(await post(to, path(dice), body, headers));
  },
  ask: async (to) => demandAnswer(await post(to, pathTo("echo"), bodyOf)),
});

/** The length of its JSON stands in the first two bytes of a binary seed. */
function cutHeader(input: Buffer): { body: Buffer; headers: object } {
  const length = input.length < 2 ? -1 : input.readUInt16LE();
  return { body: input.subarray(2), headers: { "inference-header-content-length": String(length) } };
}

const binarySeeds = ASKED.map((asked) => {
  const { headerLength = 0, body } = writeInferRequest(asked, "binary");
  return Buffer.concat([Buffer.from(Uint16Array.of(headerLength).buffer), body]);
});

const { encode } = codecOf("ModelInferRequest");
const toWire = (model: string, contents: object, { name, datatype, shape }: typeof row): Buffer =>
  encode({ model_name: model, id: "7", inputs: [{ name, datatype, shape: [...shape], contents }] });
const fineCall = toWire("echo", { fp32_contents: [...(row.data as Float32Array)] }, row);
const METHODS = [
  "ModelInfer",
  "ModelInfer",
  "ModelInfer",
  "ModelMetadata",
  "ModelReady",
  "ModelStatistics",
  "RepositoryIndex",
];

const grpc: Surface = {
  seeds: () => [
    fineCall,
    toWire("lookup", { int64_contents: [3, 4] }, index),
    toWire("strings", { bytes_contents: words.data }, words),
    encode({
      ...{ model_name: "echo", outputs: [{ name: "y" }], parameters: { timeout: { int64_param: 5_000_000 } } },
      ...{ inputs: [{ name: "x", datatype: "FP32", shape: [2, 3] }] },
      raw_input_contents: [Buffer.from((row.data as Float32Array).buffer)],
    }),
    codecOf("ModelRequest").encode({ name: "echo", version: "1" }),
  ],
  async send({ grpc: session }, input, dice) {
    // Mostly a whole message; sometimes one whose length is another.
    const length = dice(8) === 0 ? dice(2 * input.length + 1) : input.length;
    const end = await sendFrame(session, frame(input, { length }), { method: pick(METHODS, dice) });
    return end.status === 0 ? "answered" : judgeStatus(end);
  },
  async ask({ grpc: session }) {
    const { status, text: said, body } = await sendFrame(session, frame(fineCall));
    if (status === 0) return body.toString("latin1");
    throw new Error(`what is right was refused: ${said}`);
  },
};

const instances = text({ instances: [{ x: [[1, 2]] }] });

export const SURFACES: Readonly<Record<string, Surface>> = {
  "oip-json": overHttp([...ASKED.map((asked) => writeInferRequest(asked, "json").body), ...seedsOf("json")]),
  "oip-binary": overHttp([...binarySeeds, ...seedsOf("binary")], cutHeader),
  "oip-arrow": overHttp(seedsOf("arrow-body"), (body) => ({
    ...{ body, headers: { "content-type": "application/vnd.apache.arrow.stream" } },
  })),
  generate: overHttp(
    [text({ input_ids: [1, 2], parameters: { top_k: 3, temperature: 0.5, max_tokens: 3 } }), ...seedsOf("generate")],
    (body) => ({ body, headers: {} }),
    (dice) => `/v2/models/table/${pick(["generate", "generate_stream"], dice)}`,
  ),
  older: {
    seeds: () => [instances, ...seedsOf("instances")],
    send: async (to, input, dice) =>
      judgeOlder(await post(to, pick(["/predict", "/models/lookup/versions/1/predict"], dice), input)),
    ask: async (to) => demandAnswer(await post(to, "/predict", instances)),
  },
  grpc,
  metadata: {
    seeds: () => METADATA,
    send: (to, input, dice) => {
      const method = pick([...METHODS, "ServerReady", "Nothing"], dice);
      return sendMetadata(to, input, { method, message: pick([fineCall, Buffer.alloc(0)], dice) });
    },
    ask: grpc.ask,
  },
  raw: {
    seeds: () => makeRaw(bodyOf),
    send: sendRaw,
    ask: async (to) => demandAnswer(await post(to, pathTo("echo"), bodyOf)),
  },
  heads: {
    seeds: () => HEADS,
    send: (to, input) => sendHead(to, input, bodyOf),
    ask: async (to) => demandAnswer(await post(to, pathTo("echo"), bodyOf)),
  },
};
