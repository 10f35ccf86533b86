// SPDX-License-Identifier: Apache-2.0
import type { JobFile } from "@bulwark/contracts";
import { BulwarkError } from "@bulwark/contracts/errors";
import { namesOf, parseReleaseName, RESOURCES } from "@bulwark/kubernetes";
import { findObject } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { CHART, callHelm, findHelm, type Helm, withValues } from "./helm.ts";
import { type ClusterJob, readClusterJob } from "./job-input.ts";
import { type Cluster, openCluster } from "./open.ts";
import { checkAgainstCluster } from "./preflight.ts";
import { adoptSecrets, createSecrets, type PlannedSecrets, planSecrets, removeSecrets } from "./release-secrets.ts";

/** A submission that has passed all checks, ready to be made. */
export type Submission = {
  cluster: Cluster;
  helm: Helm;
  release: string;
  work: ClusterJob;
  planned: PlannedSecrets;
  isUpgrade: boolean;
};

/**
 * Reads the job, finds cluster and Helm, and checks everything, before anything is made.
 *
 * @param request.checkCluster false asks the cluster nothing (a dry run of the client)
 */
export async function prepareSubmission(
  context: Context,
  flags: Readonly<Record<string, unknown>>,
  request: { name: string | undefined; file: string; isUpgrade: boolean; checkCluster: boolean },
): Promise<Submission> {
  const work = await readClusterJob(context, request.file);
  const release = parseReleaseName(request.name ?? work.job.name);
  const [cluster, helm] = await Promise.all([openCluster(context, flags), findHelm(context)]);
  const [planned] = await Promise.all([
    planSecrets(context, work, { release, namespace: cluster.namespace }),
    request.checkCluster
      ? checkAgainstCluster({
          cluster,
          release,
          work,
          isUpgrade: request.isUpgrade,
          isNamedByFile: request.name === undefined,
        })
      : Promise.resolve(),
  ]);
  return { cluster, helm, release, work, planned, isUpgrade: request.isUpgrade };
}

/** The values a submission gives to the chart: the job as it was checked, with the names of its Secrets. */
export function toValues({ job }: ClusterJob, secrets: PlannedSecrets["names"]): JobFile {
  return { ...job, security: { ...job.security, secrets } };
}

/**
 * Makes the release: Secrets first, then Helm, then the Secrets are bound to the release. When anything fails, or the
 * user interrupts, what was made is taken away again.
 */
export async function install(context: Context, submission: Submission): Promise<void> {
  const { cluster, helm, release, planned, isUpgrade } = submission;
  const secrets = isUpgrade ? await findMissing(cluster, planned) : planned.secrets;
  await createSecrets(cluster, secrets);
  try {
    await withValues(toValues(submission.work, planned.names), (file) =>
      callHelm(context, cluster, helm, [isUpgrade ? "upgrade" : "install", release, CHART, "--values", file]),
    );
    await adoptSecrets(cluster, release, secrets);
    context.signal.throwIfAborted();
  } catch (error) {
    if (isUpgrade) throw error;
    await takeBack(context, submission);
    throw error instanceof BulwarkError && error.code === "INTERRUPTED"
      ? new BulwarkError("INTERRUPTED", "Submitting was interrupted; nothing of it is left.", "submit it again")
      : error;
  }
}

/** An upgrade keeps the Secrets that are there: what runs has read them. */
async function findMissing({ connection, namespace }: Cluster, { secrets }: PlannedSecrets) {
  const found = await Promise.all(
    secrets.map(({ metadata: { name } }) => findObject(connection, RESOURCES.secrets, { namespace, name })),
  );
  return secrets.filter((_secret, index) => found[index] === undefined);
}

async function takeBack(context: Context, { cluster, helm, release, planned }: Submission): Promise<void> {
  const uninstall = callHelm(context, cluster, helm, ["uninstall", release, "--ignore-not-found"]);
  await uninstall.catch((error: Error) => context.progress.debug(error.message));
  await removeSecrets(cluster, planned.secrets);
}

/** What a job is asked for by its file, for people. */
export const describeSubmission = ({ release, cluster, work: { job } }: Submission): string =>
  `${release} in namespace ${cluster.namespace}: ${job.executor.instances} executors of ${job.executor.memory}, profile ${job.security.profile}, TEE ${job.trust.tee}`;

/** Name of the ConfigMap by which a release is known. */
export const configurationOf = (release: string): string => namesOf(release).configuration;
