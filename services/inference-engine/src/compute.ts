// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Engine, RunShare } from "@bulwark/inference";
import {
  type Delivery,
  decodeRequest,
  encodeBareFailure,
  encodeResult,
  type FillRandom,
  type Outcome,
  type Place,
  type RecordKeys,
  type RequestContent,
  type ResultContent,
  readDataKey,
  SEALED,
  seal,
  unseal,
} from "@bulwark/queue";
import { FAILED } from "@bulwark/tensors";
import { toFailure } from "./failure.ts";
import { answerOlder, type OlderSettings } from "./older.ts";

/** The value that ends a record, and its share of the run that made it. */
export type Answered = Pick<Outcome, "value" | "run">;

/** Computes records. `answer` resolves with the value to end the record with; its errors say why there is none yet. */
export type Computer = {
  answer(delivery: Delivery, options: { isGone: () => boolean }): Promise<Answered>;
  /** The value that tells the asker, in his own dialect and sealed where his record was, why there is no result. */
  refuse(delivery: Delivery, error: unknown): Buffer | string;
};

export type ComputerSettings = {
  job: string;
  /** Absent: sealed records cannot be opened, only those of older clients. */
  keys?: RecordKeys;
  older: OlderSettings;
  fillRandom: FillRandom;
};

/** Puts an engine behind records: opens them, infers, seals the result. */
export function createComputer(engine: Engine, { job, keys, older, fillRandom }: ComputerSettings): Computer {
  const placeOf = ({ uri, model }: Delivery): Place => ({ stream: job, uri, model: model ?? "" });

  const openKey = (delivery: Delivery): ReturnType<typeof readDataKey> => {
    if (keys !== undefined) return readDataKey(keys, delivery.data, placeOf(delivery));
    throw new BulwarkError("RECORD_KEY_UNKNOWN", "The engine was started without a keyring.", "set keyringFile");
  };

  type Inferred = { result: ResultContent; run: RunShare | undefined };
  const infer = async (content: RequestContent, delivery: Delivery, isGone: () => boolean): Promise<Inferred> => {
    const { priority } = delivery;
    if (content.kind === "older") {
      const { value, run } = await answerOlder(engine, content, older, { isGone, priority, model: delivery.model });
      return { result: { kind: "older", value: Buffer.from(value) }, run };
    }
    const options = {
      isGone,
      priority,
      // Its asker is told by the gateway; a run that never ends is to become a dead letter.
      awaitsRun: true,
      ...(delivery.deadline === undefined ? {} : { deadline: delivery.deadline }),
      ...(content.outputs === undefined ? {} : { outputs: content.outputs }),
    };
    const { run, ...inference } = await engine.infer(delivery.model ?? "", content.version, content.inputs, options);
    return { result: { kind: "tensors", ...inference }, run };
  };

  return {
    async answer(delivery, { isGone }) {
      if (delivery.serde !== SEALED) {
        const { serde, data, priority } = delivery;
        const record = { data, ...(serde === undefined ? {} : { serde }) };
        return toAnswered(await answerOlder(engine, record, older, { isGone, priority }));
      }
      const place = placeOf(delivery);
      const dataKey = openKey(delivery);
      const content = decodeRequest(unseal(dataKey, delivery.data, ["request", place]));
      const { result, run } = await infer(content, delivery, isGone);
      return toAnswered({ value: seal(dataKey, encodeResult(result), ["result", place], fillRandom), run });
    },

    refuse(delivery, error) {
      if (delivery.serde !== SEALED) return FAILED;
      const failure = toFailure(error);
      try {
        const place = placeOf(delivery);
        const dataKey = openKey(delivery);
        const { kind } = decodeRequest(unseal(dataKey, delivery.data, ["request", place]));
        const result: ResultContent = kind === "older" ? { kind, value: Buffer.from(FAILED) } : failure;
        return seal(dataKey, encodeResult(result), ["result", place], fillRandom);
      } catch {
        // Without the record's key nothing can be sealed: the bare code tells enough.
        return encodeBareFailure(failure.code);
      }
    },
  };
}

const toAnswered = ({ value, run }: { value: Buffer | string; run: RunShare | undefined }): Answered => ({
  value,
  ...(run === undefined ? {} : { run }),
});
