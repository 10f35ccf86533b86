// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Engine, InferOptions, OpenOlderBlob, RunShare } from "@bulwark/inference";
import {
  DEFAULT_LIMITS,
  decodeRecord,
  encodeResult,
  fitInputs,
  type OlderInput,
  type PostProcessing,
  postProcess,
  readInstances,
} from "@bulwark/tensors";

/** How records of older clients are answered. They name no model: one is set for all of them. */
export type OlderSettings = {
  /** Absent: the only model there is. */
  model?: string;
  postProcessing?: PostProcessing;
  /** Images are resized to this. */
  resize?: { width: number; height: number };
  /** Pictures of records are encrypted, and opened so. */
  decrypt?: OpenOlderBlob;
};

/** A record as an older client wrote it. Without `serde`, data is base64 of an Arrow stream; with `stream`, JSON. */
export type OlderRecord = { serde?: string; data: Buffer };

/**
 * Computes the record of an older client. Gives the text for its result (base64 of an Arrow stream, or what the
 * post-processing made) and its share of the run.
 *
 * @param model named where the record came through the gateway or the relay
 */
export async function answerOlder(
  engine: Engine,
  record: OlderRecord,
  settings: OlderSettings,
  { model, ...options }: Pick<InferOptions, "isGone" | "priority"> & { model?: string | undefined },
): Promise<{ value: string; run: RunShare | undefined }> {
  const name = model !== undefined && model !== "" ? model : chooseModel(engine, settings);
  const { version, inputs: infos } = engine.describe(name);
  const limits = DEFAULT_LIMITS;
  const { resize, decrypt, postProcessing } = settings;
  const fitting = {
    limits,
    ...(resize === undefined ? {} : { resize }),
    ...(decrypt === undefined ? {} : { decrypt }),
  };
  const inputs = await fitInputs(readInputs(record), infos, fitting);
  const { outputs, run } = await engine.infer(name, version, inputs, options);
  const value =
    postProcessing === undefined ? encodeResult(outputs).toString("base64") : postProcess(postProcessing, outputs);
  return { value, run };
}

function readInputs({ serde, data }: OlderRecord): OlderInput[] {
  if (serde === undefined) return decodeRecord(Buffer.from(data.toString("latin1"), "base64"), DEFAULT_LIMITS);
  if (serde !== "stream") {
    throw new BulwarkError("RECORD_MALFORMED", `The record's form "${serde.slice(0, 40)}" is not known.`, "use stream");
  }
  // The older server read the first one alone.
  const [first] = readInstances(data, DEFAULT_LIMITS);
  if (first !== undefined) return first;
  throw new BulwarkError("TENSOR_MISSING", "The request has no instance.", "give one");
}

function chooseModel(engine: Engine, { model }: OlderSettings): string {
  if (model !== undefined) return model;
  const names = [...new Set(engine.list().map((status) => status.model))];
  if (names[0] !== undefined && names.length === 1) return names[0];
  throw new BulwarkError(
    "MODEL_UNKNOWN",
    `Records of older clients name no model, and there are ${names.length}.`,
    "name the one that answers them: older.model",
  );
}
