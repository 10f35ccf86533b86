// SPDX-License-Identifier: Apache-2.0
import { openKeys } from "@bulwark/pki";
import type { Context } from "../../command.ts";
import { javaOptions, sparkOptions } from "../../runtime/choices.ts";
import { findBulwarkJar } from "../../runtime/jar.ts";
import { findJava, listJavas } from "../../runtime/java.ts";
import { findPython } from "../../runtime/python.ts";
import { findSpark, findSparkHome } from "../../runtime/spark.ts";
import { versions } from "../../versions.ts";
import { type Check, fail, type Outcome, ok, warn } from "./check.ts";

const INSTALL = "bulwark doctor --install";

/** What jobs run on: programs, and the keys that protect them. */
export const PROGRAM_CHECKS: readonly Check[] = [
  { name: "node", look: async () => checkNode(process.versions.node) },
  { name: "java", look: checkJava },
  { name: "python", look: checkPython },
  { name: "spark", look: checkSpark },
  { name: "jar", look: async () => ok(await findBulwarkJar()) },
  { name: "keys", look: checkKeys },
];

/** Judges the Node this process runs on. */
export function checkNode(version: string): Outcome {
  const [running] = version.split(".");
  const [pinned] = versions.node.split(".");
  if (Number(running) >= Number(pinned)) return ok(version);
  return fail(`${version}, not ${pinned} or newer`, "npm ci");
}

async function checkJava(context: Context): Promise<Outcome> {
  const used = await findJava(javaOptions(context));
  const others = (await listJavas(context)).filter((java) => java.home !== used.home).map((java) => java.version);
  const also = others.length === 0 ? "" : `; also found: ${others.join(", ")}`;
  const detail = `${used.version} in ${used.home}${used.isJdk ? "" : ", without a compiler"}${also}`;
  if (used.major <= versions.java.maximum) return ok(detail);
  return warn(`${detail}; newer than ${versions.java.maximum}, not tried`, "bulwark config set javaHome FOLDER");
}

async function checkPython({ env }: Context): Promise<Outcome> {
  const python = await findPython({ env, limits: versions.python });
  return ok(`${python.version} in ${python.executable}`);
}

async function checkSpark(context: Context): Promise<Outcome> {
  const options = sparkOptions(context);
  const home = await findSparkHome(options);
  if (home === undefined) {
    return warn(`${versions.spark.version} is not installed yet; the first run does it`, INSTALL);
  }
  const detail = `${home.version} in ${home.home}`;
  if ((await findSpark(options)) !== undefined) return ok(detail);
  return warn(`${detail}; its Python packages are not installed yet`, INSTALL);
}

async function checkKeys({ paths, now }: Context): Promise<Outcome> {
  const keys = await openKeys(paths.keys, { now: now() });
  const ends = keys.certificates.map((certificate) => certificate.notAfter).toSorted();
  return ok(`${paths.keys}, valid until ${ends[0]?.slice(0, 10)}`);
}
