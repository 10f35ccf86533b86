// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { BulwarkError, enclaveBytes } from "@bulwark/contracts";
import { parseReleaseName } from "@bulwark/kubernetes";
import { type EnclaveRole, listProgramFiles, renderManifest } from "@bulwark/spark";
import type { Context } from "../command.ts";
import { checkAll } from "../runs/check-all.ts";
import { readClassPath } from "./class-path.ts";
import { findHelm, renderChart } from "./helm.ts";
import { type ClusterJob, readClusterJob } from "./job-input.ts";
import { nameSecrets } from "./release-secrets.ts";
import { listArguments, listMounted } from "./rendered.ts";
import { toValues } from "./submit.ts";

/** What the image's Java is, what of the image may be read beside the usual, and who the enclave says it is. */
export type EnclaveImage = {
  java: { executable: string; major: number };
  read: readonly string[];
  identity: { product: number; version: number };
};

export type EnclaveRequest = EnclaveImage & {
  /** Name of the release; the job's own when not given. */
  name: string | undefined;
  namespace: string;
  file: string;
  classPathFile: string;
};

/** The manifest of one role, as text and in figures. */
export type EnclaveManifest = { role: EnclaveRole; text: string; sha256: string; enclaveBytes: number };

const ROLES: readonly EnclaveRole[] = ["driver", "executor"];
/** What a JVM, Python and the job need of the image. */
const IMAGE_FILES = [
  "/opt/bulwark/",
  "/opt/spark/",
  "/usr/lib/",
  "/lib/",
  "/lib64/",
  "/usr/bin/",
  "/etc/passwd",
  "/etc/ssl/",
];
/** Spark hands these to executors when it starts them; a measured command line has none of it. */
const UNMEASURED_SETTING = "spark.executor.extraJavaOptions";

/**
 * The Gramine manifests of a job's driver and executors, as it would be submitted: exactly the settings and the program
 * that the chart mounts are measured.
 *
 * @throws BulwarkError what is wrong with job file and class path, all at once; RELEASE_NAME_INVALID, HELM_MISSING and
 *   what else Helm ends with
 */
export async function makeManifests(
  context: Context,
  request: EnclaveRequest,
): Promise<{ release: string; manifests: EnclaveManifest[] }> {
  const [work, classPath] = await checkAll(
    readEnclaveJob(context, request.file),
    readClassPath(context.cwd, request.classPathFile),
  );
  const { job } = work;
  const release = parseReleaseName(request.name ?? job.name);
  const objects = await renderChart(
    context,
    { helmArgs: ["--namespace", request.namespace] },
    await findHelm(context),
    { release, values: toValues(work, nameSecrets(work, release).names) },
  );
  const named = listProgramFiles(job).filter((path) => !IMAGE_FILES.some((folder) => path.startsWith(folder)));
  const manifests = ROLES.map((role) => {
    const text = renderManifest({
      role,
      job,
      java: request.java,
      classPath,
      submitArguments: role === "driver" ? listArguments(objects, role) : [],
      imageFiles: [...IMAGE_FILES, ...named, ...request.read],
      mountedFiles: listMounted(objects, role),
      identity: request.identity,
    });
    const sha256 = createHash("sha256").update(text).digest("hex");
    return { role, text, sha256, enclaveBytes: enclaveBytes(job, role) };
  });
  return { release, manifests };
}

/** A job that is for enclaves; of what would not come to its executors it warns. Throws JOB_CONFLICT for another one. */
async function readEnclaveJob(context: Context, file: string): Promise<ClusterJob> {
  const work = await readClusterJob(context, file);
  const { job, place } = work;
  if (job.trust.tee !== "sgx") {
    const message = `trust.tee is ${job.trust.tee}; a manifest is for enclaves`;
    const mend = "write `tee: sgx` below `trust:`";
    const findings = [place({ code: "JOB_CONFLICT" as const, path: "trust.tee", message, mend })];
    throw new BulwarkError("JOB_CONFLICT", `${file} is not for SGX.`, mend, { findings });
  }
  if (job.sparkConf[UNMEASURED_SETTING] !== undefined) {
    const { line, path } = place({ path: `sparkConf.${UNMEASURED_SETTING}` });
    context.progress.warn(`${file}:${line}  ${path} is not measured, so executors in enclaves do without it`);
  }
  return work;
}
