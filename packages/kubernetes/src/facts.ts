// SPDX-License-Identifier: Apache-2.0
import type { CronJob, Job, Pod } from "./api/objects.ts";
import { ANNOTATION, LABEL, releaseOf } from "./names.ts";
import { type Observation, type Progress, parseObservations, parseProgress, parseTee } from "./observed.ts";
import { explainPod } from "./pod-reason.ts";
import type { Reason } from "./reason.ts";

export type Role = "driver" | "executor" | "launcher";
export type PodState = "pending" | "starting" | "running" | "ending" | "succeeded" | "failed" | "unknown";

/** What is kept of a pod: a hundredth of its bytes, so that thousands can be watched. */
export type PodFacts = {
  name: string;
  namespace: string;
  uid: string;
  release: string;
  role: Role;
  /** Name of the Job that made it; executors have none. */
  job?: string;
  /** Number of an executor, as Spark counts them from 1. */
  number?: number;
  state: PodState;
  reason?: Reason;
  restarts: number;
  createdAt: string;
  startedAt?: string;
  endedAt?: string;
  exitCode?: number;
  node?: string;
  address?: string;
  runtimeClass?: string;
  /** TEE as observed, by part: `self`, or `driver` and the numbers of executors. */
  tee: Readonly<Record<string, string>>;
  progress?: Progress;
  observations: readonly Observation[];
};

const ROLES: readonly string[] = ["driver", "executor", "launcher"] satisfies Role[];

/** Reduces a pod to what a status is made of; undefined when it is no part of a job of ours. */
export function reducePod(pod: Pod): PodFacts | undefined {
  const { metadata, status, spec } = pod;
  const role = metadata.labels?.[LABEL.role] ?? "";
  const release = releaseOf(metadata);
  if (release === undefined || !ROLES.includes(role)) return undefined;
  const number = Number(metadata.labels?.[LABEL.executorNumber]);
  const [main] = status?.containerStatuses ?? [];
  const terminated = main?.state?.terminated;
  const progress = parseProgress(metadata.annotations?.[ANNOTATION.progress]);
  const reason = explainPod(pod);
  return {
    name: metadata.name,
    namespace: metadata.namespace ?? "",
    uid: metadata.uid ?? metadata.name,
    release,
    role: role as Role,
    ...optional("job", metadata.labels?.[LABEL.job]),
    ...(Number.isInteger(number) && number > 0 ? { number } : {}),
    state: stateOf(pod),
    ...(reason === undefined ? {} : { reason }),
    restarts: main?.restartCount ?? 0,
    createdAt: metadata.creationTimestamp ?? "",
    ...optional("startedAt", main?.state?.running?.startedAt ?? status?.startTime),
    ...optional("endedAt", terminated?.finishedAt),
    ...optional("exitCode", terminated?.exitCode),
    ...optional("node", spec?.nodeName),
    ...optional("address", status?.podIP),
    ...optional("runtimeClass", spec?.runtimeClassName),
    tee: parseTee(metadata.annotations?.[ANNOTATION.tee]),
    ...(progress === undefined ? {} : { progress }),
    observations: parseObservations(metadata.annotations?.[ANNOTATION.security]),
  };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

const ENDED: Readonly<Record<string, PodState>> = { Succeeded: "succeeded", Failed: "failed" };

function stateOf({ metadata, status, spec }: Pod): PodState {
  const ended = ENDED[status?.phase ?? ""];
  if (ended !== undefined) return ended;
  if (metadata.deletionTimestamp !== undefined) return "ending";
  if (status?.phase === "Running") return "running";
  if (status?.phase === "Pending") return spec?.nodeName === undefined ? "pending" : "starting";
  return "unknown";
}

/** A Job or CronJob without what takes room and tells nothing: its template, and who managed which field. */
export function reduceJob<Item extends Job | CronJob>({ metadata, spec, status }: Item): Item {
  const { name, namespace, uid, labels, annotations, creationTimestamp, deletionTimestamp } = metadata;
  return {
    metadata: { name, namespace, uid, labels, annotations, creationTimestamp, deletionTimestamp },
    spec: pick(spec, ["suspend", "activeDeadlineSeconds", "schedule", "timeZone"]),
    status: pick(status, ["conditions", "failed", "completionTime", "lastScheduleTime"]),
  } as Item;
}

const pick = (fields: object | undefined, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => names.includes(name)));
