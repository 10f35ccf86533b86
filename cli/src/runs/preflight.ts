// SPDX-License-Identifier: Apache-2.0
import { access, constants, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BulwarkError, type Finding, type JobFile, parseSizeBytes } from "@bulwark/contracts";
import { hasJarEntry } from "./jar-entries.ts";

const GIB = 1024 ** 3;
/** What a JVM takes beside its heap: metaspace, code, threads, network buffers. Spark's own least overhead. */
const OVERHEAD_BYTES = 384 * 1024 ** 2;

/**
 * Checks against this machine what a job file alone cannot tell: files, main class, memory, TEE. All findings at once.
 *
 * @throws BulwarkError JOB_INVALID with findings, or TEE_ABSENT
 */
export async function checkAgainstMachine(job: JobFile, baseFolder: string, memoryBytes: number): Promise<void> {
  const findings = [
    ...(await checkFiles(job, baseFolder)),
    ...(await checkMainClass(job, baseFolder)),
    ...checkMemory(job, memoryBytes),
  ];
  if (findings.length > 0) {
    throw new BulwarkError(
      "JOB_INVALID",
      `The job cannot run here: ${findings.length} finding(s).`,
      "correct the job file",
      {
        findings,
      },
    );
  }
  if (job.trust.tee !== "none") {
    // A device file is no evidence. Until evidence is appraised before keys are released, a TEE is not claimed.
    const message = `The job demands ${job.trust.tee}; on this machine no evidence of a TEE can be appraised.`;
    const mend = "set trust.tee: none, and accept what the security report names";
    const findings: Finding[] = [{ code: "TEE_ABSENT", message, mend, path: "trust.tee" }];
    throw new BulwarkError("TEE_ABSENT", message, mend, { findings });
  }
}

async function checkFiles(job: JobFile, baseFolder: string): Promise<Finding[]> {
  const named: [string, string][] = [
    ...(job.jar === undefined ? [] : [["jar", job.jar] as [string, string]]),
    ...(job.python === undefined ? [] : [["python", job.python] as [string, string]]),
    ...(["jars", "pyFiles", "files"] as const).flatMap((key) =>
      job[key].map((path, index) => [`${key}.${index}`, path] as [string, string]),
    ),
  ];
  const checked = await Promise.all(
    named.map(async ([path, file]): Promise<Finding | undefined> => {
      const stats = await stat(resolve(baseFolder, file)).catch(() => undefined);
      if (stats?.isFile()) return undefined;
      const message = stats === undefined ? `${file} does not exist` : `${file} is not a file`;
      return {
        code: "JOB_FILE_REFERENCE",
        message,
        mend: `correct ${path}; relative paths start at ${baseFolder}`,
        path,
      };
    }),
  );
  return checked.filter((finding) => finding !== undefined);
}

async function checkMainClass(job: JobFile, baseFolder: string): Promise<Finding[]> {
  if (job.jar === undefined || job.class === undefined) return [];
  const jar = resolve(baseFolder, job.jar);
  if (!(await isReadable(jar)) || (await hasJarEntry(jar, `${job.class.replaceAll(".", "/")}.class`))) return [];
  const mend = `correct class; see the classes: jar tf ${job.jar}`;
  return [{ code: "JOB_FILE_REFERENCE", message: `${job.jar} has no class ${job.class}`, mend, path: "class" }];
}

function checkMemory(job: JobFile, memoryBytes: number): Finding[] {
  const driver = parseSizeBytes(job.driver.memory) + OVERHEAD_BYTES;
  const executors = job.executor.instances * (parseSizeBytes(job.executor.memory) + OVERHEAD_BYTES);
  if (driver + executors <= memoryBytes) return [];
  const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
  const message = `driver and executors need ${gib(driver + executors)} with overhead, this machine has ${gib(memoryBytes)}`;
  return [
    {
      code: "JOB_TOO_LARGE",
      message,
      mend: "lower executor.instances, executor.memory or driver.memory",
      path: "executor",
    },
  ];
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
