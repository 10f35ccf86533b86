// SPDX-License-Identifier: Apache-2.0
import type { Condition, CronJob, Job, KubeEvent, KubeObject } from "./api/objects.ts";
import type { PodFacts } from "./facts.ts";
import { ANNOTATION, releaseOf } from "./names.ts";
import { type Observation, type Planned, type Progress, parsePlanned } from "./observed.ts";
import { explainEvents } from "./pod-reason.ts";
import { type Reason, shorten } from "./reason.ts";

/** Where a job stands. Those from `succeeded` on are ends. */
export type JobState = "scheduled" | "held" | "pending" | "starting" | "running" | "ending" | "succeeded" | "failed";

const ENDED: ReadonlySet<JobState> = new Set(["succeeded", "failed"]);

/** Whether nothing more will happen to the job. */
export const isEnded = (status: Pick<JobStatus, "state">): boolean => ENDED.has(status.state);

/** One driver, launcher or executor. */
export type PartStatus = {
  part: string;
  pod: string;
  state: string;
  reason?: Reason;
  restarts: number;
  node?: string;
  /** TEE as observed; `not checked` until it was. */
  tee: string;
  createdAt: string;
};

/** All that is known of one job in a cluster, derived from its objects alone. */
export type JobStatus = {
  apiVersion: "bulwark/v1";
  name: string;
  namespace: string;
  state: JobState;
  reason?: Reason;
  planned: Planned;
  driver?: PartStatus;
  launcher?: PartStatus;
  executors: readonly PartStatus[];
  /** Executors by state; `wanted` is what the job asks for. */
  counts: { wanted: number; running: number; pending: number; failed: number };
  progress?: Progress;
  /** What was observed of the protection, and whether all of it is as planned; `unknown` until it was looked at. */
  security: { verdict: "as planned" | "not as planned" | "unknown"; observations: readonly Observation[] };
  /** Drivers that were started, and ended, before this one. */
  restarts: number;
  createdAt?: string;
  startedAt?: string;
  endedAt?: string;
  schedule?: string;
  timeZone?: string;
};

/** The objects of one release, as far as they are there. */
export type ReleaseObjects = {
  name: string;
  namespace: string;
  job?: Job;
  cronJob?: CronJob;
  /** What is left of a release whose Job is gone. */
  configuration?: KubeObject;
  pods: readonly PodFacts[];
  /** Of executors only those that wait are among the pods; the driver's own account tells how many run. */
  areExecutorsPartial?: boolean;
  /** Warnings about the job and its pods; may be left out where only the state is wanted. */
  events?: readonly KubeEvent[];
};

/** Derives the status of one release. Pure: the same objects give the same status. */
export function deriveStatus(found: ReleaseObjects): JobStatus {
  const objects = { ...found, pods: found.pods.filter((pod) => isOfJob(pod, found)) };
  const { name, namespace, job, cronJob, configuration, pods, events = [] } = objects;
  const drivers = newestFirst(pods.filter(({ role }) => role === "driver"));
  const launchers = newestFirst(pods.filter(({ role }) => role === "launcher"));
  const [driver] = drivers;
  const [launcher] = launchers;
  const lead = driver ?? launcher;
  const planned = parsePlanned((job ?? cronJob ?? configuration)?.metadata.annotations?.[ANNOTATION.planned]);
  const executors = pods
    .filter((pod) => pod.role === "executor" && isOfRun(pod, lead))
    .toSorted((one, two) => (one.number ?? 0) - (two.number ?? 0));
  const { progress } = driver ?? {};
  const state = stateOf(objects, lead, progress);
  const reason = reasonOf({ state, job, lead, launcher, executors, events, progress });
  const observations = driver?.observations ?? [];
  return {
    apiVersion: "bulwark/v1",
    name,
    namespace,
    state,
    ...(reason === undefined ? {} : { reason }),
    planned,
    ...(driver === undefined ? {} : { driver: toPart(driver, "driver", driver) }),
    ...(launcher === undefined ? {} : { launcher: toPart(launcher, "launcher", driver) }),
    executors: executors.map((pod) => toPart(pod, `executor ${pod.number ?? "?"}`, driver)),
    counts: countExecutors(executors, {
      wanted: progress?.executors.wanted || planned.executors || 0,
      told: objects.areExecutorsPartial === true ? toldOf(state, progress) : undefined,
    }),
    ...(progress === undefined ? {} : { progress }),
    security: { verdict: judge(observations), observations },
    restarts: Math.max(0, drivers.length - 1, launchers.length - 1, job?.status?.failed ?? 0) + (lead?.restarts ?? 0),
    ...timesOf(objects, lead),
    ...(cronJob?.spec?.schedule === undefined ? {} : { schedule: cronJob.spec.schedule }),
    ...(cronJob?.spec?.timeZone === undefined ? {} : { timeZone: cronJob.spec.timeZone }),
  };
}

/**
 * The status that the attempt before had: of the pods that were there before the newest attempt began. Of a schedule it
 * may be the last attempt of the run before.
 */
export function derivePrevious({ job: _newest, ...objects }: ReleaseObjects): JobStatus {
  return deriveStatus({ ...objects, pods: podsBefore(objects.pods) });
}

/** Of a schedule the pods of earlier runs are still there; those that no Job made itself are told by their age. */
function isOfJob(pod: PodFacts, { job, cronJob }: ReleaseObjects): boolean {
  if (job === undefined || cronJob === undefined) return true;
  if (pod.job !== undefined) return pod.job === job.metadata.name;
  return pod.createdAt >= (job.metadata.creationTimestamp ?? "");
}

function podsBefore(pods: readonly PodFacts[]): PodFacts[] {
  const newest = (role: PodFacts["role"]): PodFacts | undefined =>
    newestFirst(pods.filter((pod) => pod.role === role))[0];
  // A launcher is there before the driver that it starts.
  const lead = newest("launcher") ?? newest("driver");
  return pods.filter((pod) => lead !== undefined && !isOfRun(pod, lead));
}

/** Executors that a driver has by its own account; none when it does not run. */
const toldOf = (state: JobState, progress: Progress | undefined): number =>
  state === "running" || state === "starting" ? (progress?.executors.registered ?? 0) : 0;

function countExecutors(
  executors: readonly PodFacts[],
  { wanted, told }: { wanted: number; told: number | undefined },
): JobStatus["counts"] {
  const count = (...states: string[]): number => executors.filter((pod) => states.includes(pod.state)).length;
  return { wanted, running: told ?? count("running"), pending: count("pending", "starting"), failed: count("failed") };
}

const newestFirst = (pods: readonly PodFacts[]): PodFacts[] =>
  pods.toSorted((one, two) => two.createdAt.localeCompare(one.createdAt) || two.name.localeCompare(one.name));

/** Executors of an earlier attempt are older than its successor's driver. */
const isOfRun = (pod: PodFacts, lead: PodFacts | undefined): boolean =>
  lead === undefined || pod.createdAt >= lead.createdAt;

const judge = (observations: readonly Observation[]): JobStatus["security"]["verdict"] => {
  if (observations.length === 0) return "unknown";
  return observations.every(({ asPlanned }) => asPlanned) ? "as planned" : "not as planned";
};

function toPart(pod: PodFacts, part: string, driver: PodFacts | undefined): PartStatus {
  const key = pod.role === "executor" ? String(pod.number) : pod.role;
  const tee = pod.tee.self ?? pod.tee[key] ?? driver?.tee[key] ?? "not checked";
  return {
    part,
    pod: pod.name,
    state: pod.state,
    ...(pod.reason === undefined ? {} : { reason: pod.reason }),
    restarts: pod.restarts,
    ...(pod.node === undefined ? {} : { node: pod.node }),
    tee,
    createdAt: pod.createdAt,
  };
}

const holds = (conditions: readonly Condition[] | undefined, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type && condition.status === "True");

/** States in the order in which they are asked for; the first that holds is it. */
const STATES: readonly [
  JobState,
  (at: { objects: ReleaseObjects; lead: PodFacts | undefined; progress: Progress | undefined }) => boolean,
][] = [
  ["ending", ({ objects: { job } }) => job?.metadata.deletionTimestamp !== undefined],
  ["succeeded", ({ objects: { job } }) => holds(job?.status?.conditions, "Complete") !== undefined],
  ["failed", ({ objects: { job } }) => holds(job?.status?.conditions, "Failed") !== undefined],
  ["held", ({ objects: { job, cronJob } }) => (job ?? cronJob)?.spec?.suspend === true],
  [
    "scheduled",
    ({ objects: { job, cronJob, pods } }) => job === undefined && cronJob !== undefined && pods.length === 0,
  ],
  // The Job's own word comes a moment after its pod's, and between attempts there is a moment without a living pod.
  ["ending", ({ lead }) => lead?.state === "ending" || lead?.state === "succeeded"],
  ["pending", ({ lead }) => lead === undefined || lead.state === "pending" || lead.state === "failed"],
  ["starting", ({ lead, progress }) => lead?.state !== "running" || !hasBegun(progress)],
  ["running", () => true],
];

const hasBegun = (progress: Progress | undefined): boolean =>
  progress !== undefined && (progress.stages.total > 0 || progress.tasks.total > 0 || progress.state === "running");

function stateOf(objects: ReleaseObjects, lead: PodFacts | undefined, progress: Progress | undefined): JobState {
  const [state] = STATES.find(([, holdsNow]) => holdsNow({ objects, lead, progress })) ?? ["pending"];
  return state;
}

type Ground = {
  state: JobState;
  job: Job | undefined;
  lead: PodFacts | undefined;
  launcher: PodFacts | undefined;
  executors: readonly PodFacts[];
  events: readonly KubeEvent[];
  progress: Progress | undefined;
};

/** Reasons by state: an end is explained by what ended it, waiting by what is waited for. */
function reasonOf(ground: Ground): Reason | undefined {
  const { state, lead, events, executors } = ground;
  if (state === "succeeded" || state === "ending") return undefined;
  if (state === "failed") return explainEnd(ground);
  if (state === "held") {
    return {
      kind: "heldBack",
      words: "the job is suspended",
      mend: "set suspend: false and submit it again",
      isFinal: false,
    };
  }
  if (lead?.reason !== undefined) return lead.reason;
  if (state === "pending" || state === "starting") {
    return explainEvents(eventsOf(events, lead)) ?? executors.find(({ reason }) => reason !== undefined)?.reason;
  }
  return executors.find((pod) => pod.reason !== undefined && pod.state !== "failed")?.reason;
}

/** Events of the pod in question, or of the job where there is no pod. */
const eventsOf = (events: readonly KubeEvent[], lead: PodFacts | undefined): KubeEvent[] =>
  events.filter(({ involvedObject: { kind, name, uid } }) =>
    lead === undefined ? kind === "Job" || kind === "CronJob" : uid === lead.uid || name === lead.name,
  );

/** What may explain an end, the most telling first. */
const ENDS: readonly ((ground: Ground) => Omit<Reason, "isFinal"> | undefined)[] = [
  function deadline({ job }) {
    if (holds(job?.status?.conditions, "Failed")?.reason !== "DeadlineExceeded") return undefined;
    const seconds = job?.spec?.activeDeadlineSeconds;
    const words = `the job ran longer than its timeout${seconds === undefined ? "" : ` of ${seconds} s`}`;
    return { kind: "deadline", words, mend: "raise timeout in the job file" };
  },
  // The driver's own account says more than its exit code; of a driver that was killed it may be stale.
  ({ lead, progress }) => (isKilled(lead) ? undefined : explainFailure(progress?.failure, lead?.reason)),
  ({ lead }) => lead?.reason,
  ({ executors }) => executors.find(({ reason }) => reason !== undefined)?.reason,
];

function explainEnd(ground: Ground): Reason {
  for (const explain of ENDS) {
    const found = explain(ground);
    if (found !== undefined) return { ...found, isFinal: true };
  }
  const said = shorten(holds(ground.job?.status?.conditions, "Failed")?.message ?? "");
  const words = said || "the job failed, and its pods are gone";
  return { kind: "applicationFailed", words, mend: "read why: bulwark logs NAME; bulwark events NAME", isFinal: true };
}

const KILLED: ReadonlySet<string | undefined> = new Set(["outOfMemory", "evicted", "nodeLost"]);
const isKilled = (pod: PodFacts | undefined): boolean => KILLED.has(pod?.reason?.kind);

/** Codes of the driver's own account that are reasons of their own. */
const FAILURE_KINDS: Readonly<Record<string, Reason["kind"]>> = {
  EXECUTORS_LOST: "executorsDied",
  SECURITY_MISMATCH: "securityRefused",
};

function explainFailure(failure: Progress["failure"], known: Reason | undefined): Omit<Reason, "isFinal"> | undefined {
  if (failure === undefined) return undefined;
  const { code, message, stage, executor } = failure;
  const where = [
    ...(stage === undefined ? [] : [`stage ${stage}`]),
    ...(executor === undefined ? [] : [`executor ${executor}`]),
  ];
  return {
    kind: FAILURE_KINDS[code] ?? known?.kind ?? "applicationFailed",
    words: `${shorten(message, 500) || code}${where.length === 0 ? "" : ` (${where.join(", ")})`}`,
    mend: known?.mend ?? "read why: bulwark logs NAME --driver",
  };
}

function timesOf({ job, cronJob, configuration }: ReleaseObjects, lead: PodFacts | undefined) {
  const createdAt = (job ?? cronJob ?? configuration)?.metadata.creationTimestamp ?? lead?.createdAt;
  const ended = holds(job?.status?.conditions, "Complete") ?? holds(job?.status?.conditions, "Failed");
  const endedAt = job?.status?.completionTime ?? ended?.lastTransitionTime;
  return {
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(lead?.startedAt === undefined ? {} : { startedAt: lead.startedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}

/** Groups objects of a namespace, or of many, by release. */
export function groupByRelease(found: {
  jobs: readonly Job[];
  cronJobs: readonly CronJob[];
  pods: readonly PodFacts[];
}): ReleaseObjects[] {
  const groups = new Map<string, { name: string; namespace: string; job?: Job; cronJob?: CronJob; pods: PodFacts[] }>();
  const groupOf = (namespace: string, name: string) => {
    const key = `${namespace}/${name}`;
    const group = groups.get(key) ?? { name, namespace, pods: [] };
    groups.set(key, group);
    return group;
  };
  for (const cronJob of found.cronJobs) {
    const { metadata } = cronJob;
    groupOf(metadata.namespace ?? "", releaseOf(metadata) ?? metadata.name).cronJob = cronJob;
  }
  for (const job of found.jobs) {
    const { metadata } = job;
    const group = groupOf(metadata.namespace ?? "", releaseOf(metadata) ?? metadata.name);
    // Of a schedule the newest counts.
    if ((group.job?.metadata.creationTimestamp ?? "") <= (metadata.creationTimestamp ?? "")) group.job = job;
  }
  for (const pod of found.pods) groupOf(pod.namespace, pod.release).pods.push(pod);
  return [...groups.values()];
}
