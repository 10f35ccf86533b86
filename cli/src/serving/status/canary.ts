// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import {
  createIntake,
  createRandom,
  decodeResult,
  encodeRequest,
  type Intake,
  makeDataKey,
  nameKeys,
  type Receipt,
  readBareFailure,
  SEALED,
  seal,
  toRecordKeys,
  unseal,
} from "@bulwark/queue";
import { makeZeros, type TensorInfo } from "@bulwark/tensors";
import { askGateway, listReady } from "../gateway-client.ts";
import { readRecordKey } from "../record-key.ts";
import { askRedis } from "../redis-probe.ts";
import type { Stack } from "../stack.ts";

/** What came of a canary: the model that computed it, or refused it, which shows as well that the pipe is whole. */
export type Canary = { model: string; refusal?: ErrorCode };

type Model = { name: string; inputs: readonly TensorInfo[] };

const POLL_MS = 20;
/** Failures of a model that got its inputs. */
const OF_THE_MODEL: readonly ErrorCode[] = ["MODEL_FAILED", "TENSOR_VALUE", "TENSOR_SHAPE", "TENSOR_DATATYPE"];

/**
 * Lets a model that is ready compute zeros, the way that requests go: through the queue to an engine and back where there
 * is a queue, otherwise through the gateway.
 *
 * @throws BulwarkError SERVING_NOT_READY, SERVING_UNREACHABLE, QUEUE_UNREACHABLE, and what the engine failed with
 */
export async function sendCanary(stack: Stack, timeoutMs: number): Promise<Canary> {
  const model = await chooseModel(stack, timeoutMs);
  const refusal =
    stack.queue === undefined
      ? await askDirectly(stack, model, timeoutMs)
      : await askQueue(stack.queue, model, timeoutMs);
  if (refusal === undefined) return { model: model.name };
  if (OF_THE_MODEL.includes(refusal)) return { model: model.name, refusal };
  throw new BulwarkError(refusal, `The canary for ${model.name} failed.`, "read the log of the engine");
}

async function chooseModel(stack: Stack, timeoutMs: number): Promise<Model> {
  const [ready] = await listReady(stack, timeoutMs);
  if (ready === undefined) {
    const log = stack.queue?.engineLogs.join(", ") ?? stack.gateway.log;
    throw new BulwarkError("SERVING_NOT_READY", "No model is ready.", `read ${log}`);
  }
  const { body } = await askGateway(stack, { path: `/v2/models/${encodeURIComponent(ready.name)}`, timeoutMs });
  return { name: ready.name, inputs: (body as { inputs: TensorInfo[] }).inputs };
}

async function askDirectly(stack: Stack, { name, inputs }: Model, timeoutMs: number): Promise<ErrorCode | undefined> {
  const zeros = inputs
    .map((input) => makeZeros(input))
    .map(({ name: input, datatype, shape, data }) => ({
      ...{ name: input, datatype, shape },
      data: Array.from(data as ArrayLike<unknown>, (value) => (datatype === "BYTES" ? "" : Number(value))),
    }));
  const path = `/v2/models/${encodeURIComponent(name)}/infer`;
  const { status } = await askGateway(stack, { path, method: "POST", body: { inputs: zeros }, timeoutMs });
  if (status === 200) return undefined;
  return status < 500 ? "TENSOR_VALUE" : "SERVING_NOT_READY";
}

async function askQueue(
  queue: NonNullable<Stack["queue"]>,
  model: Model,
  timeoutMs: number,
): Promise<ErrorCode | undefined> {
  const key = await readRecordKey(queue);
  const names = nameKeys(queue.job);
  const uri = `canary-${randomUUID()}`;
  const place = { stream: queue.job, uri, model: model.name };
  const fill = createRandom();
  const dataKey = makeDataKey(toRecordKeys(key), place, fill);
  const content = encodeRequest({ kind: "tensors", inputs: model.inputs.map((input) => makeZeros(input)) });
  const data = seal(dataKey, content, ["request", place], fill);
  const value = await askRedis(queue.relay, async (link) => {
    const most = Number.MAX_SAFE_INTEGER;
    const intake = createIntake(link, names, { mostRecords: most, mostBytes: most });
    const record = { uri, model: model.name, serde: SEALED, data, priority: "high", keep: true } as const;
    const receipt = await intake.admit({ ...record, budgetMs: timeoutMs });
    return waitForResult(intake, { uri, receipt, timeoutMs });
  });
  const bare = readBareFailure(value);
  if (bare !== undefined) return bare;
  const result = decodeResult(unseal(dataKey, value, ["result", place]));
  return result.kind === "failure" ? result.code : undefined;
}

async function waitForResult(
  intake: Intake,
  { uri, receipt, timeoutMs }: { uri: string; receipt: Receipt; timeoutMs: number },
): Promise<Buffer> {
  const limit = performance.now() + timeoutMs;
  for (;;) {
    const value = await intake.readResult(uri);
    if (value !== undefined) {
      await intake.removeResult(uri);
      return value;
    }
    if (performance.now() > limit) {
      await intake.withdraw(receipt);
      throw new BulwarkError("ENGINE_ABSENT", "No engine answered the canary in time.", "read the log of the engine");
    }
    await delay(POLL_MS);
  }
}
