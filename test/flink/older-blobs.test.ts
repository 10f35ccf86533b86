// SPDX-License-Identifier: Apache-2.0
// What BigDL encrypted, opened by Flink where a switch says so: a model, and pictures of older clients.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import sharp from "sharp";
import { writeSum } from "../../packages/inference/src/testing/models.ts";
import { encryptAsOlder, OLDER_SECRETS } from "../../packages/inference/src/testing/older-blob.ts";
import { decodeImage } from "../../packages/tensors/src/images.ts";
import { DEFAULT_LIMITS, decodeResult, encodeRecord, toTensor } from "../../packages/tensors/src/index.ts";
import { type FlinkStack, skip, startFlinkStack } from "./stack.ts";

const CIPHER = "aes-256-cbc";

describe("what BigDL encrypted, with Flink", { skip }, () => {
  const secrets = mkdtempSync(join(tmpdir(), "bulwark-older-"));
  let stack: FlinkStack;
  before(async () => {
    const [secretFile, saltFile] = [join(secrets, "secret"), join(secrets, "salt")];
    writeFileSync(secretFile, OLDER_SECRETS.secret, { mode: 0o600 });
    writeFileSync(saltFile, `${OLDER_SECRETS.salt}\n`, { mode: 0o600 });
    const older = { cipher: CIPHER, secretFile, saltFile };
    stack = await startFlinkStack(["picture"], {
      engineSettings: { older: { models: older, records: older } },
      makeMore: () => ({ "older/1/model.onnx.bigdl": encryptAsOlder(CIPHER, writeSum(), { isPython: true }) }),
    });
  });
  after(async () => {
    await stack?.stop();
    rmSync(secrets, { recursive: true, force: true });
  });

  it("is opened: a model", async () => {
    const { outputs } = await stack.gateway.infer("older", undefined, [
      toTensor("x", "FP32", [1, 2], Float32Array.of(1.5, 2)),
    ]);
    assert.deepEqual([...(outputs[0]?.data ?? [])], [3.5]);
  });

  it("is opened: pictures, as bytes and as base64, and no other ones", async () => {
    const pixels = Buffer.from(Array.from({ length: 4 * 2 * 3 }, (_, at) => at * 10));
    const png = await sharp(pixels, { raw: { width: 4, height: 2, channels: 3 } })
      .png()
      .toBuffer();
    const { data } = await decodeImage("x", png, { layout: "CHW" }, DEFAULT_LIMITS);
    const forward = (picture: Buffer): Promise<string> => {
      const record = encodeRecord([{ name: "x", text: picture.toString("base64") }]);
      return stack.gateway.forward("picture", { data: Buffer.from(record.toString("base64")) });
    };
    for (const plain of [png, Buffer.from(png.toString("base64"))]) {
      const answer = await forward(encryptAsOlder(CIPHER, plain));
      const [decoded] = decodeResult(Buffer.from(answer, "base64"), DEFAULT_LIMITS);
      assert.deepEqual(decoded?.data, data);
    }
    assert.equal(await forward(png), "NaN");
  });
});
