// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type CronJob,
  deriveStatus,
  groupByRelease,
  type Job,
  type JobStatus,
  type KubeEvent,
  type KubeObject,
  LABEL,
  namesOf,
  type Pod,
  type PodFacts,
  RESOURCES,
  type ReleaseObjects,
  reduceJob,
  reducePod,
  selectorOf,
} from "@bulwark/kubernetes";
import { findObject, listAll, listEach } from "@bulwark/kubernetes/api";
import type { Cluster } from "./open.ts";
import { checkNamespace } from "./preflight.ts";

/** All that there is of one release now. */
export type ReleaseNow = {
  status: JobStatus;
  /** What the status was derived from. */
  objects: ReleaseObjects;
  pods: readonly Pod[];
  events: readonly KubeEvent[];
};

/**
 * Reads one release once.
 *
 * @throws BulwarkError RELEASE_UNKNOWN with a name that is near, NAMESPACE_UNKNOWN
 */
export async function readRelease(cluster: Cluster, name: string): Promise<ReleaseNow> {
  const { connection, namespace } = cluster;
  const selection = { namespace, labels: selectorOf(name) };
  const [jobs, cronJobs, pods, events] = await Promise.all([
    listAll<Job>(connection, { resource: RESOURCES.jobs, ...selection }),
    listAll<CronJob>(connection, { resource: RESOURCES.cronjobs, ...selection }),
    listAll<Pod>(connection, { resource: RESOURCES.pods, ...selection }),
    listAll<KubeEvent>(connection, { resource: RESOURCES.events, namespace }),
  ]);
  const isBare = jobs.length + cronJobs.length + pods.length === 0;
  const configuration = isBare ? await demandRelease(cluster, name) : undefined;
  const facts = pods.map(reducePod).filter((pod) => pod !== undefined);
  const [group] = groupByRelease({ jobs, cronJobs, pods: facts });
  const about = events.filter(({ involvedObject }) => isAbout(involvedObject.name ?? "", name));
  const left = configuration === undefined ? {} : { configuration };
  const objects = { ...(group ?? { pods: [] }), ...left, name, namespace, events: about };
  return { status: deriveStatus(objects), objects, pods, events: about };
}

const isAbout = (object: string, release: string): boolean => object === release || object.startsWith(`${release}-`);

/** A release whose Job is gone (ttl) is still one, by its ConfigMap. */
async function demandRelease(cluster: Cluster, name: string): Promise<KubeObject> {
  const { connection, namespace } = cluster;
  const place = { namespace, name: namesOf(name).configuration };
  const found = await findObject<KubeObject>(connection, RESOURCES.configmaps, place);
  if (found !== undefined) return found;
  await checkNamespace(cluster);
  const { suggestName } = await import("@bulwark/contracts/suggest-name");
  const near = suggestName(
    name,
    (await readReleases(cluster)).map((status) => status.name),
  );
  const mend = near === undefined ? `see what there is: bulwark list -n ${namespace}` : `did you mean ${near}?`;
  throw new BulwarkError("RELEASE_UNKNOWN", `There is no job ${name} in namespace ${namespace}.`, mend);
}

/**
 * Reads every job of a namespace, or of all: jobs and drivers, and of executors those that wait, since a driver tells
 * itself how many it has. So a thousand releases with five thousand pods take about a second.
 */
export async function readReleases(
  { connection, namespace }: Cluster,
  options: { allNamespaces?: boolean; signal?: AbortSignal } = {},
): Promise<JobStatus[]> {
  const place = options.allNamespaces === true ? {} : { namespace };
  const ours = selectorOf();
  const asking = options.signal === undefined ? {} : { signal: options.signal };
  const pods: PodFacts[] = [];
  const takePod = (pod: Pod): void => {
    const facts = reducePod(pod);
    if (facts !== undefined) pods.push(facts);
  };
  const jobs: Job[] = [];
  const cronJobs: CronJob[] = [];
  const drivers = `${ours},${LABEL.role} in (driver,launcher)`;
  const executors = `${ours},${LABEL.role}=executor`;
  await Promise.all([
    listEach<Job>(
      connection,
      { resource: RESOURCES.jobs, ...place, labels: ours },
      (job) => jobs.push(reduceJob(job)),
      asking,
    ),
    listEach<CronJob>(
      connection,
      { resource: RESOURCES.cronjobs, ...place, labels: ours },
      (one) => cronJobs.push(reduceJob(one)),
      asking,
    ),
    listEach<Pod>(connection, { resource: RESOURCES.pods, ...place, labels: drivers }, takePod, asking),
    listEach<Pod>(
      connection,
      { resource: RESOURCES.pods, ...place, labels: executors, fields: "status.phase=Pending" },
      takePod,
      asking,
    ),
  ]);
  return groupByRelease({ jobs, cronJobs, pods })
    .map((group) => deriveStatus({ ...group, areExecutorsPartial: true }))
    .toSorted(newestFirst);
}

/** The newest first. */
const newestFirst = (one: JobStatus, two: JobStatus): number =>
  (two.createdAt ?? "").localeCompare(one.createdAt ?? "") || one.name.localeCompare(two.name);
