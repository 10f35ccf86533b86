// SPDX-License-Identifier: Apache-2.0

/** A kind of object: where the API server has it. */
export type Resource = { group: string; version: string; plural: string; kind: string; namespaced: boolean };

const of = (group: string, plural: string, kind: string, namespaced = true): Resource => ({
  group,
  version: "v1",
  plural,
  kind,
  namespaced,
});

/** Every kind that the tool looks at or makes. */
export const RESOURCES = {
  jobs: of("batch", "jobs", "Job"),
  cronjobs: of("batch", "cronjobs", "CronJob"),
  pods: of("", "pods", "Pod"),
  services: of("", "services", "Service"),
  configmaps: of("", "configmaps", "ConfigMap"),
  secrets: of("", "secrets", "Secret"),
  persistentvolumeclaims: of("", "persistentvolumeclaims", "PersistentVolumeClaim"),
  serviceaccounts: of("", "serviceaccounts", "ServiceAccount"),
  roles: of("rbac.authorization.k8s.io", "roles", "Role"),
  rolebindings: of("rbac.authorization.k8s.io", "rolebindings", "RoleBinding"),
  networkpolicies: of("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
  poddisruptionbudgets: of("policy", "poddisruptionbudgets", "PodDisruptionBudget"),
  events: of("", "events", "Event"),
  namespaces: of("", "namespaces", "Namespace", false),
  nodes: of("", "nodes", "Node", false),
  runtimeclasses: of("node.k8s.io", "runtimeclasses", "RuntimeClass", false),
} as const satisfies Record<string, Resource>;

export type ResourceName = keyof typeof RESOURCES;

/** The API path of a collection, or of one object of it. */
export function pathOf(resource: Resource, namespace: string | undefined, name?: string, sub?: string): string {
  const { group, version, plural, namespaced } = resource;
  const parts = [
    ...(group === "" ? ["api", version] : ["apis", group, version]),
    ...(namespaced && namespace !== undefined ? ["namespaces", namespace] : []),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(sub === undefined ? [] : [sub]),
  ];
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/** The kind of an object as a manifest names it, or undefined for one that the tool never handles. */
export function findResource(apiVersion: string, kind: string): Resource | undefined {
  const [version = "", group = ""] = apiVersion.split("/").toReversed();
  return Object.values(RESOURCES).find(
    (resource) => resource.group === group && resource.version === version && resource.kind === kind,
  );
}
