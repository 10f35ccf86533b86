// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseJobFile } from "@bulwark/contracts";
import type { Context, Progress } from "../command.ts";
import { type ArchiveRole, archiveTrainFlags, archiveTrainingFile, publishArchive } from "../runtime/archives.ts";
import type { Ground } from "./prepare.ts";
import { runOnGround } from "./run-job.ts";

const ROLES: readonly ArchiveRole[] = ["driver", "executor"];
/** Writing an archive takes a JVM some seconds after it has done its work. */
const WRITE_LIMIT_MS = 120_000;

const SILENT: Progress = {
  step: () => ({ update: () => undefined, done: () => undefined }),
  note: () => undefined,
  warn: () => undefined,
  debug: () => undefined,
  aside: (write) => write(),
  close: () => undefined,
};

/** Whether a run on this ground would start faster after `trainArchives`. */
export function lacksArchives({ archives }: Ground): boolean {
  return ROLES.some((role) => archives.roles[role].path === undefined);
}

/**
 * Runs a small application once, so that its JVMs write down the classes they loaded: later runs on the same Java, Spark
 * and jar start in a fraction of the time. Nothing depends on it; a failure is only noted.
 */
export async function trainArchives(context: Context, ground: Ground): Promise<void> {
  const step = context.progress.step("preparing faster starts, once for this Java and Spark");
  const token = randomBytes(4).toString("hex");
  const folder = join(context.paths.cache, `training-${token}`);
  const files = {
    driver: await archiveTrainingFile(ground.archives.roles.driver, token),
    executor: await archiveTrainingFile(ground.archives.roles.executor, token),
  };
  const archives = { ...ground.archives, flags: (role: ArchiveRole) => archiveTrainFlags(files[role]) };
  try {
    const { job } = parseJobFile(JSON.stringify(describeTraining(ground.jar, join(folder, "output"))), {
      file: "training",
    });
    const training = { ...context, progress: SILENT, paths: { ...context.paths, runs: folder } };
    const { record } = await runOnGround(
      training,
      { ...ground, archives },
      { job, baseFolder: folder, onOutput: () => undefined, executorGraceMs: WRITE_LIMIT_MS },
    );
    if (record.failure !== undefined) throw record.failure;
    for (const role of ROLES) await publishArchive(ground.archives.roles[role], files[role]);
    step.done();
  } catch (error) {
    step.done(`left out: ${(error as Error).message}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
    for (const role of ROLES) await rm(files[role], { force: true });
  }
}

function describeTraining(jar: string, output: string) {
  return { name: "training", jar, class: "bulwark.launch.WarmUp", args: [output], executor: { instances: 1 } };
}
