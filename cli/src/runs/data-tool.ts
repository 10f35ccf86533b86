// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { BulwarkError } from "@bulwark/contracts";
import { serializeKeyring } from "@bulwark/pki";
import { planDataTool } from "@bulwark/spark";
import type { Context } from "../command.ts";
import { startChild } from "./child.ts";
import { readEvents } from "./events.ts";
import { explainFailure } from "./failure.ts";
import { startGuard } from "./guard.ts";
import { writePlan } from "./plan-files.ts";
import { prepareGround } from "./prepare.ts";
import { sweepProcesses } from "./processes.ts";

const GRACE_MS = 2_000;

/**
 * Runs the data tool in one JVM and returns what it printed.
 *
 * @param args subcommand and options of `bulwark.data.DataTool`
 * @throws BulwarkError with the code of what is wrong with the data or its keys
 */
export async function runDataTool(context: Context, args: readonly string[]): Promise<string> {
  const { java, spark, keys, archives } = await prepareGround(context);
  const id = `data-${randomBytes(4).toString("hex")}`;
  const folder = join(context.paths.runs, id);
  const input = { folder, id, java, sparkHome: spark.home, classPath: archives.classPath, args };
  const plan = planDataTool({ ...input, keyring: serializeKeyring(keys.keyring) });
  const guard = startGuard(id, folder, [folder]);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writePlan(plan.files);
    const child = await startChild(plan.process, { output: "pipe", errors: join(folder, "driver.err") });
    const stop = (): void => void child.stop(GRACE_MS);
    context.signal.addEventListener("abort", stop, { once: true });
    const output = child.output === undefined ? Buffer.alloc(0) : await buffer(child.output);
    const { code } = await child.ended;
    context.signal.throwIfAborted();
    if (code === 0) return output.toString("utf8");
    const failure = await explainFailure(await readEvents(plan.events), folder);
    // The log goes with the folder; what it would tell is in the message.
    throw new BulwarkError(
      failure.code,
      failure.message,
      failure.mend.startsWith("read ") ? "check the path" : failure.mend,
    );
  } finally {
    await sweepProcesses(id);
    await rm(folder, { recursive: true, force: true });
    await guard.dismiss();
  }
}
