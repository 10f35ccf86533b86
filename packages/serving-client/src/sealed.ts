// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  createRandom,
  DEFAULT_JOB,
  decodeResult,
  encodeRequest,
  makeDataKey,
  type RecordKeys,
  readBareFailure,
  seal,
  unseal,
  writeKeptUri,
} from "@bulwark/queue/sealing";
import type { InferResponse, Tensor } from "@bulwark/tensors";

/** What a caller needs to seal requests for the engine, so that gateway, queue and network see none of them. */
export type Sealing = { keys: RecordKeys; job?: string };

export type SealedRequest = { uri: string; body: Buffer; open(value: Buffer): InferResponse };

const fillRandom = createRandom();

/** Seals a request under a key of its own, bound to stream, uri and model; `open` opens its answer and no other. */
export function sealRequest(
  { keys, job = DEFAULT_JOB }: Sealing,
  {
    model,
    version,
    inputs,
    outputs,
  }: { model: string; version?: string; inputs: readonly Tensor[]; outputs?: readonly string[] },
): SealedRequest {
  const uri = writeKeptUri(randomUUID(), model);
  const place = { stream: job, uri, model };
  const dataKey = makeDataKey(keys, place, fillRandom);
  const content = encodeRequest({
    kind: "tensors",
    inputs,
    ...(version === undefined ? {} : { version }),
    ...(outputs === undefined ? {} : { outputs }),
  });
  return {
    uri,
    body: seal(dataKey, content, ["request", place], fillRandom),
    open(value) {
      const code = readBareFailure(value);
      if (code !== undefined)
        throw new BulwarkError(code, "The engine could not open the request.", "compare the keyrings");
      const result = decodeResult(unseal(dataKey, value, ["result", place]));
      if (result.kind === "failure") throw new BulwarkError(result.code, result.message, result.mend);
      if (result.kind === "tensors") return { ...result, id: undefined };
      throw new BulwarkError(
        "RECORD_MALFORMED",
        "The result is of another kind than the request.",
        "update the engine",
      );
    },
  };
}
