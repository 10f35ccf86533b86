// SPDX-License-Identifier: Apache-2.0

/** One thing that must be permitted in the namespace, and what for. */
export type Right = { verb: string; group: string; resource: string; sub?: string; why: string; optional?: boolean };

const each = (group: string, resources: readonly string[], verbs: readonly string[], why: string): Right[] =>
  resources.flatMap((resource) => verbs.map((verb) => ({ verb, group, resource, why })));

const INSTALL = "to install, change and delete a release";
const FOLLOW = "to follow a job";

/**
 * What whoever submits jobs must be permitted in the namespace. Whoever makes a Role must hold its rights himself
 * (Kubernetes' escalation check), so the driver's are among them.
 */
export const RIGHTS: readonly Right[] = [
  ...each("batch", ["jobs", "cronjobs"], ["create", "get", "list", "patch", "delete"], INSTALL),
  ...each("", ["configmaps", "services", "serviceaccounts"], ["create", "get", "list", "patch", "delete"], INSTALL),
  ...each(
    "",
    ["secrets"],
    ["create", "get", "list", "update", "patch", "delete"],
    "for Helm's records and the secrets of a job",
  ),
  ...each(
    "rbac.authorization.k8s.io",
    ["roles", "rolebindings"],
    ["create", "get", "list", "patch", "delete"],
    INSTALL,
  ),
  ...each("networking.k8s.io", ["networkpolicies"], ["create", "get", "list", "patch", "delete"], INSTALL),
  ...each("policy", ["poddisruptionbudgets"], ["create", "get", "list", "patch", "delete"], INSTALL),
  ...each(
    "",
    ["pods", "services", "configmaps", "persistentvolumeclaims"],
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    "because the driver's Role has it, and nobody can give what he does not have",
  ),
  ...each("batch", ["jobs", "cronjobs"], ["list", "watch"], FOLLOW),
  ...each("", ["events"], ["list", "watch"], FOLLOW),
  { verb: "get", group: "", resource: "pods", sub: "log", why: "for bulwark logs" },
  { verb: "create", group: "", resource: "pods", sub: "portforward", why: "for bulwark ui", optional: true },
  { verb: "create", group: "", resource: "pods", sub: "exec", why: "for bulwark copy and kept logs", optional: true },
];

/** Rights once each, for questions to the API server. */
export function listRights(): Right[] {
  return [...new Map(RIGHTS.map((right) => [keyOf(right), right])).values()];
}

const keyOf = ({ verb, group, resource, sub }: Right): string => [verb, group, resource, sub].join("/");

/** `create pods/exec`. */
export const showRight = ({ verb, resource, sub }: Right): string =>
  `${verb} ${resource}${sub === undefined ? "" : `/${sub}`}`;

/** The question whether somebody may do something (authorization.k8s.io/v1). */
export const toReview = (right: Right, namespace: string) => ({
  apiVersion: "authorization.k8s.io/v1",
  kind: "SelfSubjectAccessReview",
  spec: {
    resourceAttributes: {
      namespace,
      verb: right.verb,
      group: right.group,
      resource: right.resource,
      ...(right.sub === undefined ? {} : { subresource: right.sub }),
    },
  },
});
