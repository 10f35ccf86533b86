// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type CronJob,
  deriveStatus,
  groupByRelease,
  type Job,
  type JobStatus,
  type KubeEvent,
  type KubeObject,
  type PodFacts,
  RESOURCES,
  reduceJob,
  reducePod,
  selectorOf,
} from "@bulwark/kubernetes";
import { type Selection, watchObjects } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { Mirror } from "./mirror.ts";
import type { Cluster } from "./open.ts";

/** Statuses are told no more often than this. */
const QUIET_MS = 100;
const QUIET_MANY_MS = 500;
const EVENTS_KEPT = 200;
/** An upgrade may put another Job in the place of one: what has been gone for longer has been deleted. */
const ABSENT_MS = 10_000;

type Watched = { pods: Mirror<PodFacts>; jobs: Mirror<Job>; cronJobs: Mirror<CronJob>; events: Mirror<KubeEvent> };

/**
 * Follows one release: its status now, and again whenever something of it changes, until the signal is aborted.
 *
 * @throws BulwarkError RELEASE_UNKNOWN when there is nothing of it, and nothing takes its place
 */
export async function* watchRelease(
  context: Pick<Context, "progress">,
  cluster: Cluster,
  release: string,
  signal: AbortSignal,
): AsyncGenerator<JobStatus> {
  const { connection, namespace } = cluster;
  const gone = new AbortController();
  const feed = {
    context,
    place: { connection, namespace },
    signal: AbortSignal.any([signal, gone.signal]),
    release,
    quietMs: QUIET_MS,
  };
  let absence: NodeJS.Timeout | undefined;
  try {
    for await (const { pods, jobs, cronJobs, events } of watchAll(feed)) {
      const [job, cronJob] = [jobs.newest(createdAt), cronJobs.newest(createdAt)];
      if (job === undefined && cronJob === undefined && pods.isEmpty) {
        absence ??= setTimeout(() => gone.abort(), ABSENT_MS);
        continue;
      }
      clearTimeout(absence);
      absence = undefined;
      yield deriveStatus({
        name: release,
        namespace,
        ...(job === undefined ? {} : { job }),
        ...(cronJob === undefined ? {} : { cronJob }),
        pods: pods.list(),
        events: events.list(),
      });
    }
  } finally {
    clearTimeout(absence);
  }
  if (gone.signal.aborted) throw toGone(release, namespace);
}

const toGone = (release: string, namespace: string): BulwarkError =>
  new BulwarkError(
    "RELEASE_UNKNOWN",
    `There is no job ${release} in namespace ${namespace} any more: it was deleted, or its ttl is over.`,
    `see what there is: bulwark list -n ${namespace}`,
  );

/** Follows every job of the namespace, or of all, in the same way. */
export async function* watchReleases(
  context: Pick<Context, "progress">,
  cluster: Cluster,
  { allNamespaces, signal }: { allNamespaces: boolean; signal: AbortSignal },
): AsyncGenerator<JobStatus[]> {
  const { connection, namespace } = cluster;
  const place = allNamespaces ? { connection } : { connection, namespace };
  for await (const { pods, jobs, cronJobs } of watchAll({ context, place, signal, quietMs: QUIET_MANY_MS })) {
    yield groupByRelease({ jobs: jobs.list(), cronJobs: cronJobs.list(), pods: pods.list() }).map(deriveStatus);
  }
}

type Feed = {
  context: Pick<Context, "progress">;
  /** All namespaces when none is given. */
  place: Pick<Cluster, "connection"> & Partial<Pick<Cluster, "namespace">>;
  signal: AbortSignal;
  /** All releases when not given; warnings are watched for one alone. */
  release?: string;
  quietMs: number;
};

/** Keeps mirrors of what there is; yields them after each burst of changes. A server that is away is waited for. */
async function* watchAll({ context, place, signal, release, quietMs }: Feed): AsyncGenerator<Watched> {
  const { connection, ...within } = place;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const nameOf = ({ metadata: { namespace = "", name } }: KubeObject): string => `${namespace}/${name}`;
  const watched: Watched = {
    pods: new Mirror<PodFacts>(({ namespace, name }) => `${namespace}/${name}`),
    jobs: new Mirror<Job>(nameOf),
    cronJobs: new Mirror<CronJob>(nameOf),
    events: new Mirror<KubeEvent>(nameOf),
  };
  const bell = createBell(both);
  const feed = async <Item extends KubeObject, Kept>(
    selection: Selection,
    mirror: Mirror<Kept>,
    reduce: (item: Item) => Kept | undefined,
  ): Promise<void> => {
    const onTrouble = (error: Error, nextMs: number, failures: number): void => {
      // A connection that is cut is mostly there again at the first try. One feed speaks for all: they ask one server.
      const isNews = failures === 2 && selection.resource === RESOURCES.jobs;
      const tell = isNews ? context.progress.warn : context.progress.debug;
      tell(`${error.message} Next try in ${(nextMs / 1000).toFixed(1)} s.`);
    };
    const options = { reduce, signal: both, onTrouble };
    for await (const change of watchObjects<Item, Kept | undefined>(connection, selection, options)) {
      mirror.apply(change);
      bell.ring();
    }
  };
  const selection = { ...within, labels: selectorOf(release) };
  const feeds = [
    feed({ resource: RESOURCES.pods, ...selection }, watched.pods, reducePod),
    feed<Job, Job>({ resource: RESOURCES.jobs, ...selection }, watched.jobs, reduceJob),
    feed<CronJob, CronJob>({ resource: RESOURCES.cronjobs, ...selection }, watched.cronJobs, reduceJob),
    ...(release === undefined
      ? []
      : [
          feed<KubeEvent, KubeEvent>(
            { resource: RESOURCES.events, ...within, fields: "type=Warning" },
            watched.events,
            (event) => (isAbout(event, release) ? event : undefined),
          ),
        ]),
  ].map((fed) => fed.catch(bell.fail));
  try {
    for await (const _ of bell.rings(quietMs)) {
      if (![watched.pods, watched.jobs, watched.cronJobs].every(({ isListed }) => isListed)) continue;
      watched.events.trim(EVENTS_KEPT);
      yield watched;
    }
  } finally {
    stop.abort();
    await Promise.all(feeds);
  }
}

const createdAt = ({ metadata }: KubeObject): string => metadata.creationTimestamp ?? "";

/** Names of a release's pods and jobs begin with its name; the status matches them exactly later. */
const isAbout = ({ involvedObject: { name = "" } }: KubeEvent, release: string): boolean =>
  name === release || name.startsWith(`${release}-`);

/** Wakes one listener after changes; many rings in a short time are one. */
function createBell(signal: AbortSignal) {
  let wake: () => void = () => undefined;
  let rung = false;
  let failure: { error: unknown } | undefined;
  const ring = (): void => {
    rung = true;
    wake();
  };
  return {
    ring,
    fail: (error: unknown): void => {
      failure ??= { error };
      ring();
    },
    async *rings(quietMs: number): AsyncGenerator<void> {
      signal.addEventListener("abort", ring);
      while (!signal.aborted) {
        if (!rung) await new Promise<void>((resolve) => (wake = resolve));
        if (failure !== undefined) throw failure.error;
        if (signal.aborted) return;
        rung = false;
        yield;
        await delay(quietMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
