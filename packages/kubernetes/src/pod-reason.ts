// SPDX-License-Identifier: Apache-2.0
import type { ContainerStatus, KubeEvent, Pod } from "./api/objects.ts";
import { LABEL } from "./names.ts";
import { type Reason, shorten } from "./reason.ts";
import { explainUnschedulable } from "./unschedulable.ts";

type Look = (pod: Pod) => Reason | undefined;

const statuses = ({ status }: Pod): ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

const findCondition = ({ status }: Pod, type: string) => status?.conditions?.find((found) => found.type === type);

const imageOf = ({ spec }: Pod, container: string): string =>
  spec?.containers?.find(({ name }) => name === container)?.image ?? "the image";

/** The role whose size the job file has; a launcher's is ours. */
const sizedRoleOf = ({ metadata }: Pod): string | undefined =>
  ["driver", "executor"].find((role) => role === metadata.labels?.[LABEL.role]);

const MEND_IMAGE = "correct image in the job file; for a private registry name imagePullSecrets";

/** What the reason of a waiting container means; the message is Kubernetes' own. */
const WAITING: Readonly<Record<string, (pod: Pod, container: string, message: string) => Reason>> = {
  ErrImagePull: noImage,
  ImagePullBackOff: noImage,
  ErrImageNeverPull: (pod, container) => ({
    kind: "imageMissing",
    words: `${imageOf(pod, container)} is not on the node, and imagePullPolicy says never to fetch it`,
    mend: "load the image onto the nodes, or set imagePullPolicy: IfNotPresent",
    isFinal: true,
    path: "image",
  }),
  InvalidImageName: (pod, container) => ({
    kind: "imageNameInvalid",
    words: `${imageOf(pod, container)} is no name of an image`,
    mend: "correct image in the job file",
    isFinal: true,
    path: "image",
  }),
  CreateContainerConfigError: (_pod, _container, message) => explainMissing(message) ?? refused(message),
  CreateContainerError: (_pod, _container, message) => refused(message),
  RunContainerError: (_pod, _container, message) => refused(message),
};

function noImage(pod: Pod, container: string, message: string): Reason {
  const why = /not found|manifest unknown|does not exist/i.test(message)
    ? "there is no such image"
    : /unauthorized|denied|forbidden|authentication required/i.test(message)
      ? "its registry does not let the cluster in"
      : /no such host|dial tcp|timeout|connection refused|network is unreachable|deadline exceeded/i.test(message)
        ? "its registry cannot be reached from the node"
        : shorten(message, 160) || "the node cannot fetch it";
  const words = `${imageOf(pod, container)}: ${why}`;
  return { kind: "imageMissing", words, mend: MEND_IMAGE, isFinal: true, path: "image" };
}

const refused = (message: string): Reason => ({
  kind: "containerRefused",
  words: `the container cannot be made: ${shorten(message, 200) || "the node gives no reason"}`,
  mend: "see the pod's events: bulwark events NAME",
  isFinal: false,
});

/** `secret "x" not found`, as the kubelet says it for mounts and for variables. */
function explainMissing(message: string): Reason | undefined {
  const [, kind = "", name = ""] =
    /\b(secret|configmap|persistentvolumeclaim|serviceaccount)s? "([^"]+)" (?:not found|is forbidden)/i.exec(message) ??
    [];
  if (name !== "") return missing(kind.toLowerCase(), name);
  const [, entry, owner] =
    /references non-existent (?:secret|config) key: (\S+)|couldn't find key (\S+) in/i.exec(message) ?? [];
  if (entry === undefined && owner === undefined) return undefined;
  return {
    kind: "objectMissing",
    words: `a Secret or ConfigMap has no entry ${entry ?? owner}`,
    mend: "see its entries: kubectl describe secret; make it anew with bulwark submit or bulwark keys export",
    isFinal: false,
  };
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  secret: "Secret",
  configmap: "ConfigMap",
  persistentvolumeclaim: "volume claim",
  serviceaccount: "service account",
};

const missing = (kind: string, name: string): Reason => ({
  kind: "objectMissing",
  words: `there is no ${KIND_WORDS[kind] ?? kind} ${name.split("/").at(-1)}`,
  mend:
    kind === "secret"
      ? "submit with bulwark submit, which makes it; or: bulwark keys export --kubernetes"
      : `make it, or correct the job file: kubectl get ${kind}`,
  isFinal: false,
});

/** Reasons that a pod's own status tells, the most telling first. */
const LOOKS: readonly Look[] = [
  function notScheduled(pod) {
    const condition = findCondition(pod, "PodScheduled");
    if (condition?.status !== "False") return undefined;
    if (condition.reason === "SchedulingGated") {
      const mend = "see the queue: kubectl get workloads (Kueue), or whoever gates pods in this namespace";
      return { kind: "heldBack", words: "a queue holds the pod back", mend, isFinal: false };
    }
    return explainUnschedulable(condition.message ?? "", sizedRoleOf(pod));
  },
  function evicted({ status }) {
    if (status?.reason !== "Evicted") return undefined;
    return {
      kind: "evicted",
      words: `the node evicted the pod: ${shorten(status.message ?? "no reason given", 200)}`,
      mend: "give the pod what it really needs (memoryOverhead, scratch), or use nodes with more",
      isFinal: true,
    };
  },
  function nodeLost(pod) {
    const target = findCondition(pod, "DisruptionTarget");
    const reasons = new Set(["NodeLost", "NodeShutdown", "Terminated", "Shutdown", "Preempting"]);
    if (!reasons.has(pod.status?.reason ?? "") && target?.status !== "True") return undefined;
    const why = target?.message ?? pod.status?.message ?? pod.status?.reason ?? "";
    return {
      kind: "nodeLost",
      words: `the cluster took the pod away: ${shorten(why, 160)}`,
      mend: "set retries in the job file, so that it is started again",
      isFinal: true,
    };
  },
  function deadline({ status }) {
    if (status?.reason !== "DeadlineExceeded") return undefined;
    return {
      kind: "deadline",
      words: "the job ran longer than its timeout",
      mend: "raise timeout in the job file",
      isFinal: true,
      path: "timeout",
    };
  },
  function waiting(pod) {
    for (const { name, state } of statuses(pod)) {
      const explain = WAITING[state?.waiting?.reason ?? ""];
      if (explain !== undefined) return explain(pod, name, state?.waiting?.message ?? "");
    }
    return undefined;
  },
  function ended(pod) {
    for (const { state, lastState } of statuses(pod)) {
      const terminated = state?.terminated ?? (state?.waiting === undefined ? undefined : lastState?.terminated);
      if (terminated !== undefined && terminated.exitCode !== 0)
        return explainExit(terminated.exitCode, terminated.reason);
    }
    return undefined;
  },
];

/** Exit codes of our containers; those above 128 are signals. */
const EXITS: Readonly<Record<number, Omit<Reason, "isFinal">>> = {
  3: {
    kind: "configurationRefused",
    words: "the job was refused before it started",
    mend: "read why: bulwark logs NAME --driver",
  },
  5: { kind: "applicationFailed", words: "the application failed", mend: "read why: bulwark logs NAME --driver" },
  6: {
    kind: "securityRefused",
    words: "what was observed in the running application is not what was planned",
    mend: "see the difference: bulwark status NAME --security",
  },
  137: { kind: "killed", words: "the pod was killed (SIGKILL)", mend: "see the pod's events: bulwark events NAME" },
  143: {
    kind: "killed",
    words: "the pod was asked to end (SIGTERM)",
    mend: "see the pod's events: bulwark events NAME",
  },
};

/** Why a container that ended with a code ended so. */
export function explainExit(exitCode: number, reason?: string): Reason {
  if (reason === "OOMKilled") {
    const mend = "raise memoryOverhead (memory beside the heap) or memory of that role in the job file";
    return {
      kind: "outOfMemory",
      words: "the pod took more memory than it asked for and was killed",
      mend,
      isFinal: true,
    };
  }
  const row = EXITS[exitCode];
  if (row !== undefined) return { ...row, isFinal: true };
  return {
    kind: "applicationFailed",
    words: `the application ended with exit code ${exitCode}`,
    mend: "read why: bulwark logs NAME --driver",
    isFinal: true,
  };
}

/** Why a pod does not run, or did not end well; undefined when there is nothing to say. */
export function explainPod(pod: Pod): Reason | undefined {
  if (pod.status?.phase === "Succeeded") return undefined;
  for (const look of LOOKS) {
    const reason = look(pod);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** What warnings tell that no status does: mounts, sandboxes, pods that were never made. One row per reason of an event. */
const EVENTS: Readonly<Record<string, (message: string) => Reason | undefined>> = {
  FailedMount: explainMissing,
  FailedAttachVolume: (message) => ({
    kind: "containerRefused",
    words: `the volume cannot be attached: ${shorten(message, 160)}`,
    mend: "see the claim: kubectl describe pvc",
    isFinal: false,
  }),
  FailedCreatePodSandBox: (message) =>
    /no runtime for|RuntimeHandler|runtime handler/i.test(message)
      ? noRuntime("the node does not have the container runtime of the runtime class")
      : refused(message),
  FailedCreate: (message) => {
    const [, name] =
      /RuntimeClass "?([\w.-]+)"? not found|runtimeclass(?:es)?\.node\.k8s\.io "([\w.-]+)" not found/i.exec(message) ??
      [];
    if (/runtimeclass/i.test(message)) return noRuntime(`the cluster has no runtime class ${name ?? ""}`.trim());
    if (/exceeded quota/i.test(message)) {
      return {
        kind: "quotaExceeded",
        words: `the namespace's quota does not allow the pod: ${shorten(message, 200)}`,
        mend: "see the quota: kubectl describe quota",
        isFinal: false,
      };
    }
    return (
      explainMissing(message) ?? {
        kind: "podRefused",
        words: `the cluster refused the pod: ${shorten(message, 240)}`,
        mend: "see what the namespace demands: bulwark doctor --cluster",
        isFinal: false,
      }
    );
  },
};

const noRuntime = (words: string): Reason => ({
  kind: "runtimeClassMissing",
  words,
  mend: "install Kata Containers, or name another trust.runtimeClass; see: bulwark doctor --cluster",
  isFinal: false,
});

/** The newest warning that explains something. */
export function explainEvents(events: readonly KubeEvent[]): Reason | undefined {
  return events
    .filter(({ type }) => type === "Warning")
    .toSorted((one, two) => timeOf(two) - timeOf(one))
    .map((event) => EVENTS[event.reason ?? ""]?.(event.message ?? ""))
    .find((reason) => reason !== undefined);
}

/** When an event last happened, in milliseconds. */
export function timeOf({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: KubeEvent): number {
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp;
  return Date.parse(time ?? "") || 0;
}
