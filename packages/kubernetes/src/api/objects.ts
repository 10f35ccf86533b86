// SPDX-License-Identifier: Apache-2.0
// The parts of Kubernetes objects that the tool reads, as the API reference of Kubernetes 1.34 has them.

export type Meta = {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[];
};

export type KubeObject = { apiVersion?: string; kind?: string; metadata: Meta };

export type Condition = {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
};

export type ContainerState = {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode: number; signal?: number; reason?: string; message?: string; finishedAt?: string };
};

export type ContainerStatus = {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
};

export type Container = {
  name: string;
  image?: string;
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> };
};

export type Pod = KubeObject & {
  spec?: { nodeName?: string; runtimeClassName?: string; containers?: Container[] };
  status?: {
    phase?: string;
    reason?: string;
    message?: string;
    startTime?: string;
    podIP?: string;
    conditions?: Condition[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
};

export type Job = KubeObject & {
  spec?: { suspend?: boolean; backoffLimit?: number; activeDeadlineSeconds?: number };
  status?: {
    startTime?: string;
    completionTime?: string;
    active?: number;
    succeeded?: number;
    failed?: number;
    conditions?: Condition[];
  };
};

export type CronJob = KubeObject & {
  spec?: { schedule?: string; timeZone?: string; suspend?: boolean };
  status?: { lastScheduleTime?: string; lastSuccessfulTime?: string };
};

/** core/v1 Event. */
export type KubeEvent = KubeObject & {
  involvedObject: { kind?: string; name?: string; namespace?: string; uid?: string };
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { count?: number; lastObservedTime?: string };
};

export type Secret = KubeObject & { type?: string; data?: Record<string, string> };
export type ConfigMap = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string> };
export type Claim = KubeObject & {
  spec?: { accessModes?: string[]; storageClassName?: string; volumeName?: string };
  status?: { phase?: string };
};
export type Node = KubeObject & {
  spec?: { unschedulable?: boolean; taints?: { key: string; value?: string; effect: string }[] };
  status?: { allocatable?: Record<string, string>; conditions?: Condition[] };
};
export type Namespace = KubeObject & { status?: { phase?: string } };

export type List<Item> = { metadata?: { resourceVersion?: string; continue?: string }; items?: Item[] };
