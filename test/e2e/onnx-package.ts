// SPDX-License-Identifier: Apache-2.0
// The Python package `onnx`, of which only the sample models are used.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { resolvePaths } from "../../cli/src/paths.ts";

export const ONNX_PACKAGE_VERSION = "1.23.2";
const folder = join(resolvePaths(process.env, homedir()).cache, "tests", `onnx-${ONNX_PACKAGE_VERSION}`);
/** Where its sample models are, in folders of their kind. */
export const ONNX_SAMPLES = join(folder, "onnx", "backend", "test", "data");

/** Gets the package once. False where there is no package index. */
export async function fetchOnnxSamples(): Promise<boolean> {
  if (existsSync(ONNX_SAMPLES)) return true;
  await mkdir(folder, { recursive: true });
  const args = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, `onnx==${ONNX_PACKAGE_VERSION}`];
  return spawnSync("python3", args, { timeout: 120_000 }).status === 0 && existsSync(ONNX_SAMPLES);
}
