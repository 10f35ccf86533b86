// SPDX-License-Identifier: Apache-2.0
// What users of BigDL Cluster Serving bring to a release: a model as its tools encrypted it, and what opens it.
import { createCipheriv, pbkdf2Sync, randomBytes } from "node:crypto";
import { writeSum } from "../../../packages/inference/src/testing/models.ts";
import type { ServingRelease } from "./release.ts";

/** As the chart is told of it. */
export const OLDER_MODELS = { secret: "bigdl-models", cipher: "aes-128-gcm" } as const;
const TEXTS = { secret: "theirs", salt: "sea" };
const ITERATIONS = 65_536;
const [KEY_BYTES, IV_BYTES] = [16, 12];

/** Puts models of these names onto the claim, and the Secret beside the release. They give the sum of two numbers. */
export async function placeOlderModels(
  { placeModel, kubectl }: ServingRelease,
  names: readonly string[],
): Promise<void> {
  for (const name of names) await placeModel(`${name}/1/model.onnx.bigdl`, encrypt(writeSum()));
  const entries = Object.entries(TEXTS).map(([entry, text]) => `--from-literal=${entry}=${text}`);
  await kubectl("create", "secret", "generic", OLDER_MODELS.secret, ...entries);
}

/** IV, ciphertext, tag, under a key of PBKDF2. */
function encrypt(model: Buffer): Buffer {
  const key = pbkdf2Sync(TEXTS.secret, TEXTS.salt, ITERATIONS, KEY_BYTES, "sha256");
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(OLDER_MODELS.cipher, key, iv);
  return Buffer.concat([iv, cipher.update(model), cipher.final(), cipher.getAuthTag()]);
}
