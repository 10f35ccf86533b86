// SPDX-License-Identifier: Apache-2.0
// Records of every kind, computed by Flink: what comes back is what the embedded engine would have answered.
import assert from "node:assert/strict";
import { createSecretKey, randomBytes } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import sharp from "sharp";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { sealModel } from "../../packages/inference/src/index.ts";
import { writeHang, writeIdentity, writeMlp, writeSum } from "../../packages/inference/src/testing/models.ts";
import { ELEMENT_TYPES, type ElementType } from "../../packages/inference/src/testing/onnx.ts";
import type { Keys } from "../../packages/pki/src/index.ts";
import { createIntake, type Link, listDeadLetters, nameKeys } from "../../packages/queue/src/index.ts";
import { decodeImage } from "../../packages/tensors/src/images.ts";
import {
  DEFAULT_LIMITS,
  decodeResult,
  encodeRecord,
  LAYOUTS,
  type Tensor,
  toTensor,
} from "../../packages/tensors/src/index.ts";
import { until } from "../serving/stack.ts";
import { askAsEngine, type FlinkStack, giveToGhost, skip, startFlinkStack, sumMetrics } from "./stack.ts";

/** Flink's REST interface asks its processes for metrics every ten seconds at most. */
const METRICS_MS = 60_000;
const RUN_LIMIT_MS = 3_000;
/** Passes while a run that never ends is still under way. */
const DEADLINE_MS = 2_000;
const FOR_EVER = 2n ** 62n;
const RUN_TIME = "nv_inference_compute_infer_duration_us";
/** ONNX Runtime's Java part cannot make these. */
const NOT_MADE: readonly string[] = ["UINT16", "UINT32", "UINT64"];
const DATATYPES = (Object.keys(ELEMENT_TYPES) as ElementType[]).filter((datatype) => !NOT_MADE.includes(datatype));

const makeModels = ({ keyring }: Keys): Record<string, Buffer> => {
  const [key] = keyring.keys;
  const [version] = key?.versions ?? [];
  if (key === undefined || version === undefined) throw new Error("no master key");
  const master = { id: key.id, version: version.version, key: createSecretKey(Buffer.from(version.key, "base64")) };
  const identities = (Object.keys(ELEMENT_TYPES) as ElementType[]).map((datatype) => [
    `same-${datatype}/1/model.onnx`,
    writeIdentity(datatype, "rows", 2),
  ]);
  return {
    ...Object.fromEntries(identities),
    "sealed/1/model.onnx.sealed": sealModel(writeSum(), master, randomBytes),
    "counted/1/model.onnx": writeIdentity("FP32", "rows", 2),
    "hang/1/model.onnx": writeHang(),
    "versions/1/model.onnx": writeMlp([4, 2]),
    "versions/2/model.onnx": writeMlp([4, 3]),
    "broken/1/model.onnx": Buffer.from("this is no model"),
  };
};

describe("answers of Flink", { skip }, () => {
  let stack: FlinkStack;
  before(async () => {
    const runLimitMs = RUN_LIMIT_MS;
    stack = await startFlinkStack(["echo", "mlp", "lookup", "picture", "slow"], {
      makeMore: makeModels,
      engineSettings: {
        modelSettings: { slow: { runLimitMs }, hang: { runLimitMs, batch: { maxRows: 3, windowMs: RUN_LIMIT_MS } } },
      },
    });
  });
  after(() => stack?.stop());

  const numbers = (...data: number[]): Tensor => toTensor("x", "FP32", [1, data.length], Float32Array.from(data));
  const listDead = () =>
    askRedis(stack.queue.record.redis, (link) => listDeadLetters(link, nameKeys(stack.queue.record.job), 100));

  it("give back every datatype bit by bit", async () => {
    for (const datatype of DATATYPES) {
      const data =
        datatype === "BYTES"
          ? ["", "größe", "a|b", "x".repeat(300)].map((text) => Buffer.from(text))
          : LAYOUTS[datatype].over(Uint8Array.from({ length: 4 * 8 }, (_, at) => at % 2).buffer, 0, 4);
      const sent = toTensor("x", datatype, [2, 2], data);
      const { outputs, version } = await stack.gateway.infer(`same-${datatype}`, undefined, [sent]);
      assert.equal(version, "1");
      assert.deepEqual(
        outputs.map((output) => ({ ...output, data: [...output.data] })),
        ["y", "z"].map((name) => ({ ...sent, name, data: [...sent.data] })),
      );
    }
  });

  it("are each caller's own, however they are put together", async () => {
    const rows = Array.from({ length: 500 }, (_, at) => ({ ...numbers(at, at + 0.5), shape: [1, 2] }));
    const answers = await Promise.all(rows.map((row) => stack.gateway.infer("echo", undefined, [row])));
    for (const [at, { outputs }] of answers.entries()) assert.deepEqual(outputs[0]?.data, rows[at]?.data);
  });

  it("come from the version and with the outputs that were asked for", async () => {
    const row = numbers(1, 2, 3, 4);
    const newest = await stack.gateway.infer("versions", undefined, [row]);
    assert.deepEqual([newest.version, newest.outputs[0]?.shape], ["2", [1, 3]]);
    const chosen = await stack.gateway.infer("echo", undefined, [row], { outputs: ["z"] });
    assert.deepEqual(
      chosen.outputs.map(({ name }) => name),
      ["z"],
    );
  });

  it("come from encrypted models, too", async () => {
    const { outputs } = await stack.gateway.infer("sealed", undefined, [numbers(40, 2)]);
    assert.deepEqual(outputs[0]?.data, Float32Array.of(42));
  });

  it("say what was wrong", async () => {
    const ask = (model: string, version: string | undefined, input: Tensor) =>
      stack.gateway.infer(model, version, [input]);
    await assert.rejects(ask("nothing", undefined, numbers(1)), { code: "MODEL_UNKNOWN" });
    await assert.rejects(ask("echo", "9", numbers(1)), { code: "MODEL_VERSION_UNKNOWN" });
    await assert.rejects(ask("broken", undefined, numbers(1)), { code: "MODEL_NOT_READY" });
    await assert.rejects(ask("same-UINT32", undefined, numbers(1)), { code: "MODEL_NOT_READY" });
    await assert.rejects(ask("mlp", undefined, numbers(1)), { code: "TENSOR_SHAPE" });
    await assert.rejects(ask("lookup", undefined, numbers(1)), { code: "TENSOR_DATATYPE" });
    await assert.rejects(ask("echo", undefined, { ...numbers(1), name: "a" }), { code: "TENSOR_MISSING" });
    await assert.rejects(ask("echo", undefined, numbers(Number.NaN)), { code: "TENSOR_VALUE" });
    const fatal = toTensor("x", "INT64", [1], BigInt64Array.of(99n));
    const good = toTensor("x", "INT64", [1], BigInt64Array.of(3n));
    const all = await Promise.allSettled([fatal, good, fatal, good].map((input) => ask("lookup", undefined, input)));
    assert.deepEqual(
      all.map((one) => (one.status === "rejected" ? one.reason.code : one.value.outputs[0]?.data[0])),
      ["MODEL_FAILED", 9, "MODEL_FAILED", 9],
    );
    const dead = await listDead();
    assert.equal(dead.filter(({ reason }) => reason === "MODEL_FAILED").length, 2);
    assert.ok(!dead.some(({ reason }) => reason.startsWith("TENSOR_")));
  });

  it("are read by older clients, through the gateway and without it", async () => {
    const record = encodeRecord([{ name: "t", data: Float32Array.of(1, 2, 3), shape: [1, 3] }]);
    const data = Buffer.from(record.toString("base64"));
    const read = (value: string) => decodeResult(Buffer.from(value, "base64"), DEFAULT_LIMITS);
    const [first, second] = read(await stack.gateway.forward("echo", { data }));
    assert.deepEqual([first?.shape, first?.data], [[1, 3], Float32Array.of(1, 2, 3)]);
    assert.deepEqual(second?.data, first?.data);
    const json = Buffer.from('{"instances":[{"t":[[5,6]]}]}');
    const [five] = read(await stack.gateway.forward("echo", { serde: "stream", data: json }));
    assert.deepEqual(five?.data, Float32Array.of(5, 6));
    const sparse = encodeRecord([
      {
        ...{ name: "t", data: Float32Array.of(7, 9), shape: [2, 2] },
        ...{ indices: Int32Array.of(0, 1, 0, 1), indicesShape: [2, 2] },
      },
    ]);
    const [dense] = read(await stack.gateway.forward("echo", { data: Buffer.from(sparse.toString("base64")) }));
    assert.deepEqual(dense?.data, Float32Array.of(7, 0, 0, 9));
    assert.equal(await stack.gateway.forward("mlp", { data }), "NaN");
    // Written into Redis as the older client writes them, unsealed and without a model: there are several.
    assert.equal(await askPlain(data), "NaN");
  });

  it("are made from pictures as the embedded engine makes them, and refuse what is none", async () => {
    const size = { width: 5, height: 4 };
    const pixels = Buffer.from(Array.from({ length: 3 * size.width * size.height }, (_, at) => (at * 37) % 256));
    const png = await sharp(pixels, { raw: { ...size, channels: 3 } })
      .png()
      .toBuffer();
    const forward = (bytes: Buffer): Promise<string> => {
      const record = encodeRecord([{ name: "p", text: bytes.toString("base64") }]);
      return stack.gateway.forward("picture", { data: Buffer.from(record.toString("base64")) });
    };
    const wanted = await decodeImage("p", png, { layout: "CHW" }, DEFAULT_LIMITS);
    const [decoded] = decodeResult(Buffer.from(await forward(png), "base64"), DEFAULT_LIMITS);
    assert.deepEqual([decoded?.shape, decoded?.data], [[1, ...wanted.shape], wanted.data]);
    assert.equal(await forward(png.subarray(0, png.length / 2)), "NaN");
  });

  it("are given for records that another engine was handed too often, and dead letters with the number", async () => {
    await askAsEngine(stack, (link) => giveToGhost(link, stack.queue.record.job, "ghostly"));
    const value = await askRedis(stack.queue.record.relay, (link) => waitForResult(link, "ghostly"));
    assert.equal(value, "NaN");
    const letter = (await listDead()).find(({ uri }) => uri === "ghostly");
    assert.deepEqual([letter?.reason, letter?.deliveries], ["QUEUE_DELIVERIES", 10]);
  });

  it("are dead letters for what may have taken its engine down, and comes again too late to be tried", async () => {
    const given = { deliveries: 1, budgetMs: 1 };
    await askAsEngine(stack, (link) => giveToGhost(link, stack.queue.record.job, "late", given));
    assert.equal(await askRedis(stack.queue.record.relay, (link) => waitForResult(link, "late")), "NaN");
    const letter = (await listDead()).find(({ uri }) => uri === "late");
    assert.deepEqual([letter?.reason, letter?.deliveries], ["QUEUE_DELIVERIES", 2]);
  });

  it("are dead letters for rows that never end, alone or among others, whose deadlines pass meanwhile", async () => {
    const index = (value: bigint): Tensor => toTensor("x", "INT64", [1], BigInt64Array.of(value));
    const trips = toTensor("trips", "INT64", [], BigInt64Array.of(FOR_EVER));
    const within = (): { deadline: number } => ({ deadline: Date.now() + DEADLINE_MS });
    const alone = stack.gateway.infer("slow", undefined, [{ ...numbers(1), shape: [1] }, trips], within());
    await assert.rejects(alone, { code: "SERVING_DEADLINE" });
    const reasonsOf = async (model: string): Promise<string[]> =>
      (await listDead()).filter((letter) => letter.model === model).map(({ reason }) => reason);
    await until(async () => isDeepStrictEqual(await reasonsOf("slow"), ["MODEL_FAILED"]));
    const among = [1n, FOR_EVER, 3n].map((value) => stack.gateway.infer("hang", undefined, [index(value)], within()));
    const ends = await Promise.allSettled(among);
    assert.deepEqual(
      ends.map((end) => end.status === "rejected" && end.reason.code),
      ["SERVING_DEADLINE", "SERVING_DEADLINE", "SERVING_DEADLINE"],
    );
    await until(async () => (await stack.look()).pending === 0);
    assert.deepEqual(await reasonsOf("hang"), ["MODEL_FAILED"]);
  });

  it("are counted by Flink, as are their runs", async () => {
    for (const row of [numbers(1, 2), { ...numbers(1, 2, 3, 4, 5, 6), shape: [3, 2] }]) {
      await stack.gateway.infer("counted", undefined, [row]);
    }
    await assert.rejects(stack.gateway.infer("counted", undefined, [numbers(1)]), { code: "TENSOR_SHAPE" });
    const counted = (name: string): string => `inference.model.counted.version.1.${name}`;
    const ended = (outcome: string): string => `results__Writer.outcome.${outcome}.bulwark_engine_records_total`;
    const dead = (await listDead()).length;
    const expected = {
      [counted("nv_inference_request_success")]: 2,
      [counted("nv_inference_exec_count")]: 2,
      [counted("nv_inference_count")]: 4,
      [counted("bulwark_engine_run_rows_max")]: 3,
      [ended("dead")]: dead,
      [ended("again")]: 2,
      [ended("duplicate")]: 0,
    };
    const names = Object.keys(expected);
    await until(async () => isDeepStrictEqual(await sumMetrics(stack.flink, names), expected), METRICS_MS);
    const modelFailed = "results__Writer.code.MODEL_FAILED.nv_inference_request_failure";
    const others = [ended("answered"), ended("failed"), modelFailed, counted(RUN_TIME)];
    const sums = await sumMetrics(stack.flink, others);
    assert.ok((sums[ended("answered")] ?? 0) > 500);
    assert.ok((sums[ended("failed")] ?? 0) > dead);
    assert.ok((sums[modelFailed] ?? 0) >= 2);
    assert.ok((sums[modelFailed] ?? 0) < (sums[ended("failed")] ?? 0));
    assert.ok((sums[counted(RUN_TIME)] ?? 0) > 0);
  });

  it("leave nothing behind", async () => {
    await until(async () => (await stack.look()).pending === 0);
    const { records, bytes, lost } = await stack.look();
    assert.deepEqual([records, bytes, lost], [{ high: 0, normal: 0, low: 0 }, 0, 0]);
  });

  /** Puts a record into the stream as older clients do, and waits for its result. */
  async function askPlain(data: Buffer): Promise<string> {
    return askRedis(stack.queue.record.relay, async (link) => {
      await link.send("XADD", stack.queue.record.job, "*", "uri", "plain", "data", data);
      return waitForResult(link, "plain");
    });
  }

  async function waitForResult(link: Link, uri: string): Promise<string> {
    const limits = { mostRecords: 1e6, mostBytes: 2 ** 30 };
    const intake = createIntake(link, nameKeys(stack.queue.record.job), limits);
    let value: Buffer | undefined;
    await until(async () => {
      value = await intake.readResult(uri);
      return value !== undefined;
    });
    return String(value);
  }
});
