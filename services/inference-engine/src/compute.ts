// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Engine } from "@bulwark/inference";
import {
  type Delivery,
  decodeRequest,
  encodeBareFailure,
  encodeResult,
  type FillRandom,
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

/** Computes records. `answer` resolves with the value to end the record with; its errors say why there is none yet. */
export type Computer = {
  answer(delivery: Delivery, options: { isGone: () => boolean }): Promise<Buffer | string>;
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

  const infer = async (content: RequestContent, delivery: Delivery, isGone: () => boolean): Promise<ResultContent> => {
    if (content.kind === "older") {
      const value = await answerOlder(engine, content, older, { isGone, model: delivery.model });
      return { kind: "older", value: Buffer.from(value) };
    }
    const options = {
      isGone,
      // Its asker is told by the gateway; a run that never ends is to become a dead letter.
      awaitsRun: true,
      ...(delivery.deadline === undefined ? {} : { deadline: delivery.deadline }),
      ...(content.outputs === undefined ? {} : { outputs: content.outputs }),
    };
    const inference = await engine.infer(delivery.model ?? "", content.version, content.inputs, options);
    return { kind: "tensors", ...inference };
  };

  return {
    async answer(delivery, { isGone }) {
      if (delivery.serde !== SEALED) {
        const { serde, data } = delivery;
        return answerOlder(engine, { data, ...(serde === undefined ? {} : { serde }) }, older, { isGone });
      }
      const place = placeOf(delivery);
      const dataKey = openKey(delivery);
      const content = decodeRequest(unseal(dataKey, delivery.data, ["request", place]));
      const result = await infer(content, delivery, isGone);
      return seal(dataKey, encodeResult(result), ["result", place], fillRandom);
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
