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
  namesOf,
  type Pod,
  type PodFacts,
  RESOURCES,
  reducePod,
  selectorOf,
} from "@bulwark/kubernetes";
import { findObject, listAll, listEach } from "@bulwark/kubernetes/api";
import type { Cluster } from "./open.ts";
import { checkNamespace } from "./preflight.ts";

/** All that there is of one release now. */
export type ReleaseNow = { status: JobStatus; pods: readonly Pod[]; events: readonly KubeEvent[] };

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
  if (jobs.length + cronJobs.length + pods.length === 0) await demandRelease(cluster, name);
  const facts = pods.map(reducePod).filter((pod) => pod !== undefined);
  const [group] = groupByRelease({ jobs, cronJobs, pods: facts });
  const about = events.filter(({ involvedObject }) => isAbout(involvedObject.name ?? "", name));
  const status = deriveStatus({ ...(group ?? { pods: [] }), name, namespace, events: about });
  return { status, pods, events: about };
}

const isAbout = (object: string, release: string): boolean => object === release || object.startsWith(`${release}-`);

/** A release whose Job is gone (ttl) is still one, by its ConfigMap. */
async function demandRelease(cluster: Cluster, name: string): Promise<void> {
  const { connection, namespace } = cluster;
  const place = { namespace, name: namesOf(name).configuration };
  if ((await findObject<KubeObject>(connection, RESOURCES.configmaps, place)) !== undefined) return;
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
 * Reads every job of a namespace, or of all: jobs and drivers whole, of executors only which of them run, so that a
 * thousand releases take a second.
 */
export async function readReleases(
  { connection, namespace }: Cluster,
  options: { allNamespaces?: boolean; signal?: AbortSignal } = {},
): Promise<JobStatus[]> {
  const place = options.allNamespaces === true ? {} : { namespace };
  const ours = selectorOf();
  const asking = { pageSize: 1000, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  const leads: PodFacts[] = [];
  const executors: PodFacts[] = [];
  const [jobs, cronJobs] = await Promise.all([
    listAll<Job>(connection, { resource: RESOURCES.jobs, ...place, labels: ours }, asking),
    listAll<CronJob>(connection, { resource: RESOURCES.cronjobs, ...place, labels: ours }, asking),
    listEach<Pod>(
      connection,
      { resource: RESOURCES.pods, ...place, labels: `${ours},bulwark/role in (driver,launcher)` },
      (pod) => keep(leads, reducePod(pod)),
      asking,
    ),
    listEach<Pod>(
      connection,
      { resource: RESOURCES.pods, ...place, labels: `${ours},bulwark/role=executor`, fields: "status.phase=Running" },
      (pod) => keep(executors, reducePod({ ...pod, status: { phase: "Running" } })),
      { ...asking, metaOnly: true },
    ),
  ]);
  return groupByRelease({ jobs, cronJobs, pods: [...leads, ...executors] })
    .map(deriveStatus)
    .toSorted(newestFirst);
}

const keep = (pods: PodFacts[], pod: PodFacts | undefined): void => {
  if (pod !== undefined) pods.push(pod);
};

/** The newest first. */
const newestFirst = (one: JobStatus, two: JobStatus): number =>
  (two.createdAt ?? "").localeCompare(one.createdAt ?? "") || one.name.localeCompare(two.name);
