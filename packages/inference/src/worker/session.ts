// SPDX-License-Identifier: Apache-2.0
import { type Tensor, toTensor } from "@bulwark/tensors";
import * as ort from "onnxruntime-node";
import { ORT_TYPES, toDatatype, toTensorInfo } from "../datatype.ts";
import type { ModelSignature } from "../engine.ts";
import type { WorkerStart } from "./messages.ts";

/** A loaded model. `run` blocks its thread for as long as the model computes. */
export type Session = {
  readonly signature: ModelSignature;
  run(inputs: readonly Tensor[]): Promise<Tensor[]>;
};

/**
 * ONNX Runtime's JavaScript part takes FP16 as `Float16Array` where there is one, and its native part then finds no bytes
 * in it (1.30.0). It looks once, when the first tensor is made.
 */
function makeItTakeFloat16AsBits(): void {
  const { Float16Array: hidden } = globalThis;
  Reflect.deleteProperty(globalThis, "Float16Array");
  new ort.Tensor("float32", [0], [1]);
  globalThis.Float16Array = hidden;
}

makeItTakeFloat16AsBits();

/** Loads a model on the CPU. Throws what ONNX Runtime throws, and MODEL_FORMAT. */
export async function openSession({ model, threads }: Pick<WorkerStart, "model" | "threads">): Promise<Session> {
  // Its messages quote values of requests.
  ort.env.logLevel = "fatal";
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: ["cpu"],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    logSeverityLevel: 4,
    // A thread that spins for work takes the processor from those that have some.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
  const session =
    "path" in model
      ? await ort.InferenceSession.create(model.path, options)
      : await ort.InferenceSession.create(model.bytes, options);
  const signature = {
    inputs: session.inputMetadata.map(toTensorInfo),
    outputs: session.outputMetadata.map(toTensorInfo),
  };
  return {
    signature,
    async run(inputs) {
      const feeds: Record<string, ort.Tensor> = {};
      for (const input of inputs) feeds[input.name] = toOrt(input);
      const results = await session.run(feeds);
      return session.outputNames.map((name) => fromOrt(name, results[name] as ort.Tensor));
    },
  };
}

const utf8 = new TextDecoder();

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(ORT_TYPES[tensor.datatype] as "float32", toOrtData(tensor) as Float32Array, tensor.shape);
}

function toOrtData({ datatype, data }: Tensor): unknown {
  if (datatype === "BYTES") return data.map((bytes) => utf8.decode(bytes));
  return datatype === "FP16" ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
}

function fromOrt(name: string, { type, data, dims }: ort.Tensor): Tensor {
  const datatype = toDatatype(type, name);
  if (datatype === "BYTES") {
    return toTensor(
      name,
      datatype,
      dims,
      (data as string[]).map((text) => Buffer.from(text, "utf8")),
    );
  }
  if (datatype !== "FP16") return toTensor(name, datatype, dims, data as Float32Array);
  const { buffer, byteOffset, length } = data as Uint16Array;
  return toTensor(name, datatype, dims, new Float16Array(buffer, byteOffset, length));
}
