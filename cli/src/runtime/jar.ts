// SPDX-License-Identifier: Apache-2.0
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { BulwarkError } from "@bulwark/contracts";

const BUILT_JAR = fileURLToPath(new URL("../../../jvm/target/bulwark.jar", import.meta.url));

/**
 * Finds Bulwark's own jar.
 *
 * @throws JAR_MISSING
 */
export async function findBulwarkJar(path: string = BUILT_JAR): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() && found.size > 0) return path;
  throw new BulwarkError("JAR_MISSING", `${path} does not exist: it is built once.`, "node scripts/build-jvm.mjs");
}
