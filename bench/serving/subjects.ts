// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { makeWeights, writeMlp } from "../../packages/inference/src/testing/models.ts";
import { fetchOnnxSamples, ONNX_SAMPLES } from "../../test/e2e/onnx-package.ts";
import type { Subject } from "./sides.ts";

/** What is served: one small model, whose requests cost more than its arithmetic, and one that is nearly all arithmetic. */
export const SUBJECTS = {
  async mlp(folder: string): Promise<Subject> {
    const file = join(folder, "model.onnx");
    await writeFile(file, writeMlp([784, 256, 10]));
    const data = makeWeights(784, 7).map((value) => value + 0.5);
    return { file, input: "x", shape: [1, 784], data, maxBatch: 32 };
  },
  /** Its batch is one row by its own shape. */
  async squeezenet(folder: string): Promise<Subject> {
    if (!(await fetchOnnxSamples())) throw new Error("the package onnx, which has the model, cannot be had");
    const file = join(folder, "squeezenet", "model.onnx");
    await mkdir(dirname(file));
    await copyFile(join(ONNX_SAMPLES, "light", "light_squeezenet.onnx"), file);
    const shape = [1, 3, 224, 224];
    return { file, input: "data_0", shape, data: makeWeights(3 * 224 * 224, 7), maxBatch: 1 };
  },
};

/** A port of loopback that nobody has. */
export function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
