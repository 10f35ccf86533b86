// SPDX-License-Identifier: Apache-2.0
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BulwarkError } from "@bulwark/contracts";

const BUILT = fileURLToPath(new URL("../../../../jvm/serving/target", import.meta.url));

/**
 * The class path of Flink's processes: the serving job, and a folder with Flink, ONNX Runtime and all they need.
 *
 * @throws BulwarkError JAR_MISSING
 */
export async function findFlinkClassPath(folder: string = BUILT): Promise<string> {
  const [jar, library] = [join(folder, "bulwark-serving.jar"), join(folder, "lib")];
  for (const path of [jar, library]) {
    if ((await stat(path).catch(() => undefined)) !== undefined) continue;
    throw new BulwarkError(
      "JAR_MISSING",
      `${path} does not exist: it is built once.`,
      "node scripts/build-jvm.mjs serving",
    );
  }
  return `${jar}:${library}/*`;
}
