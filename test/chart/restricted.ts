// SPDX-License-Identifier: Apache-2.0
import type { Rendered } from "./helm.ts";

type Rule = [what: string, holds: (spec: Rendered, container: Rendered) => boolean];

const ALLOWED_VOLUMES = [
  "configMap",
  "secret",
  "emptyDir",
  "persistentVolumeClaim",
  "projected",
  "downwardAPI",
  "image",
];
const OUR_UID = 185;

/** Pod Security "restricted" (Kubernetes' pod-security-standards), and what our charts promise beyond. */
const RULES: readonly Rule[] = [
  ["no host namespaces", (spec) => !spec.hostNetwork && !spec.hostPID && !spec.hostIPC],
  ["restricted kinds of volumes", (spec) => spec.volumes.every(isAllowedVolume)],
  ["no privilege", (_, { securityContext }) => securityContext.privileged === false],
  ["no escalation", (_, { securityContext }) => securityContext.allowPrivilegeEscalation === false],
  ["no capability", (_, { securityContext }) => String(securityContext.capabilities.drop) === "ALL"],
  ["no added capability", (_, { securityContext }) => securityContext.capabilities.add === undefined],
  ["seccomp", (_, { securityContext }) => securityContext.seccompProfile.type === "RuntimeDefault"],
  ["not root", (_, { securityContext }) => securityContext.runAsNonRoot === true],
  ["read-only root", (_, { securityContext }) => securityContext.readOnlyRootFilesystem === true],
  ["explicit user and groups", (spec) => hasExplicitIds(spec.securityContext)],
  ["no service links", (spec) => spec.enableServiceLinks === false],
  ["no sub-paths", (_, container) => container.volumeMounts.every((mount: Rendered) => !mount.subPath)],
  ["no host ports", (_, container) => (container.ports ?? []).every((port: Rendered) => !port.hostPort)],
  ["no variable from a Secret", (_, container) => !JSON.stringify(container).includes("secretKeyRef")],
  ["no environment from elsewhere", (_, container) => container.envFrom === undefined],
  ["resources", (_, { resources }) => Boolean(resources.requests.memory && resources.limits.memory)],
  ["secrets for the user alone", (spec) => spec.volumes.every(isClosed)],
  ["mounted secrets cannot be written", (spec, container) => spec.volumes.every(isReadOnlyIn(container))],
  ["every mount has its volume", (spec, container) => hasVolumes(spec, container)],
  [
    "no two mounts at one place",
    (_, container) => isUnique(container.volumeMounts.map(({ mountPath }: Rendered) => mountPath)),
  ],
  ["no variable twice", (_, container) => isUnique(container.env.map(({ name }: Rendered) => name))],
];

/** A job's pod is never a second one. */
const JOB_RULES: readonly Rule[] = [...RULES, ["no restart inside the pod", (spec) => spec.restartPolicy === "Never"]];

function isAllowedVolume(volume: Rendered): boolean {
  return Object.keys(volume).every((key) => key === "name" || ALLOWED_VOLUMES.includes(key));
}

function hasExplicitIds(context: Rendered): boolean {
  const ids = [context.runAsUser, context.runAsGroup, context.fsGroup, ...context.supplementalGroups];
  return ids.length === 4 && ids.every((id) => id === OUR_UID);
}

/** A volume that holds a Secret, alone or beside other sources: as Kubernetes describes it. */
const findSecret = ({ secret, projected }: Rendered): Rendered =>
  secret ?? (projected?.sources.some((source: Rendered) => source.secret !== undefined) ? projected : undefined);

const isClosed = (volume: Rendered): boolean => (findSecret(volume)?.defaultMode ?? 0o400) === 0o400;

const isReadOnlyIn =
  (container: Rendered) =>
  (volume: Rendered): boolean =>
    findSecret(volume) === undefined ||
    container.volumeMounts
      .filter(({ name }: Rendered) => name === volume.name)
      .every((mount: Rendered) => mount.readOnly);

function hasVolumes(spec: Rendered, container: Rendered): boolean {
  const names = spec.volumes.map(({ name }: Rendered) => name);
  return isUnique(names) && container.volumeMounts.every(({ name }: Rendered) => names.includes(name));
}

const isUnique = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

/** The rules that the pod of a job breaks. */
export const findBroken = (spec: Rendered): string[] => findBrokenRules(spec, JOB_RULES);

/** The rules that a pod breaks which runs until it is stopped. */
export const findBrokenOfService = (spec: Rendered): string[] => findBrokenRules(spec, RULES);

function findBrokenRules(spec: Rendered, rules: readonly Rule[]): string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  return rules.filter(([, holds]) => !containers.every((container) => holds(spec, container))).map(([what]) => what);
}
