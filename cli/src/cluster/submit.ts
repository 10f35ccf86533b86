// SPDX-License-Identifier: Apache-2.0
import type { JobFile } from "@bulwark/contracts";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type KubeObject, namesOf, parseReleaseName, RESOURCES } from "@bulwark/kubernetes";
import { findObject } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { CHART, callHelm, findHelm, type Helm, renderChart, withValues } from "./helm.ts";
import { type ClusterJob, readClusterJob } from "./job-input.ts";
import { type Cluster, findPlace, openCluster, type Place } from "./open.ts";
import { checkAgainstCluster } from "./preflight.ts";
import { adoptSecrets, createSecrets, type PlannedSecrets, planSecrets, removeSecrets } from "./release-secrets.ts";

/** A submission, ready to be made once it has passed all checks; what is only to be shown needs no cluster. */
export type Submission<Where extends Place = Cluster> = {
  cluster: Where;
  helm: Helm;
  release: string;
  work: ClusterJob;
  planned: PlannedSecrets;
  isUpgrade: boolean;
  /** Every object that the chart makes of it; Helm is called for them once. */
  render(): Promise<readonly KubeObject[]>;
};

/** What is asked for: which file, under which name. */
export type SubmissionRequest = { name: string | undefined; file: string; isUpgrade: boolean };

type Flags = Readonly<Record<string, unknown>>;

/**
 * Reads the job, finds cluster and Helm, and checks everything, before anything is made.
 *
 * @param request.isDryRun whether the API server is asked for all it has to say
 */
export async function prepareSubmission(
  context: Context,
  flags: Flags,
  request: SubmissionRequest & { isDryRun: boolean },
): Promise<Submission> {
  const submission = await planSubmission(context, request, () => openCluster(context, flags));
  const { cluster, release, work, isUpgrade, planned } = submission;
  const render = async () => [...planned.secrets, ...(await submission.render())];
  const isNamedByFile = request.name === undefined;
  await checkAgainstCluster({ cluster, release, work, isUpgrade, isNamedByFile, isDryRun: request.isDryRun, render });
  return submission;
}

/** Reads and plans the job, and asks no server. */
export const planWithoutCluster = (
  context: Context,
  flags: Flags,
  request: SubmissionRequest,
): Promise<Submission<Place>> => planSubmission(context, request, () => findPlace(context, flags));

async function planSubmission<Where extends Place>(
  context: Context,
  { name, file, isUpgrade }: SubmissionRequest,
  find: () => Promise<Where>,
): Promise<Submission<Where>> {
  const work = await readClusterJob(context, file);
  const release = parseReleaseName(name ?? work.job.name);
  const [cluster, helm] = await Promise.all([find(), findHelm(context)]);
  const planned = await planSecrets(context, work, { release, namespace: cluster.namespace });
  const values = toValues(work, planned.names);
  let rendered: Promise<readonly KubeObject[]> | undefined;
  const render = () => (rendered ??= renderChart(context, cluster, helm, { release, values }));
  return { cluster, helm, release, work, planned, isUpgrade, render };
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
