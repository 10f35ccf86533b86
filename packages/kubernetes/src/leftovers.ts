// SPDX-License-Identifier: Apache-2.0
import type { KubeObject } from "./api/objects.ts";
import { RESOURCES, type Resource } from "./api/resources.ts";
import { isOurs, releaseOf } from "./names.ts";

/**
 * Every kind that a release can leave, in the order in which it is removed: what makes others first, so that nothing
 * comes back; what others need last.
 */
export const RELEASE_KINDS: readonly Resource[] = [
  RESOURCES.cronjobs,
  RESOURCES.jobs,
  RESOURCES.pods,
  RESOURCES.services,
  RESOURCES.persistentvolumeclaims,
  RESOURCES.poddisruptionbudgets,
  RESOURCES.networkpolicies,
  RESOURCES.rolebindings,
  RESOURCES.roles,
  RESOURCES.serviceaccounts,
  RESOURCES.configmaps,
  RESOURCES.secrets,
];

/** An object that is still there. */
export type Leftover = { resource: Resource; name: string; release: string; createdAt: string };

/** Objects of ours whose release Helm does not know (any more). */
export function findLeftovers(
  objects: readonly { resource: Resource; object: KubeObject }[],
  releases: ReadonlySet<string>,
  olderThan: Date,
): Leftover[] {
  return objects.flatMap(({ resource, object: { metadata } }) => {
    const release = releaseOf(metadata);
    const createdAt = metadata.creationTimestamp ?? "";
    if (!isOurs(metadata) || release === undefined || releases.has(release)) return [];
    // What is younger may belong to a submission that is just under way.
    if (Date.parse(createdAt) > olderThan.getTime()) return [];
    return [{ resource, name: metadata.name, release, createdAt }];
  });
}

/** Names of releases in Helm's own records (Secrets of type helm.sh/release.v1 with the label owner=helm). */
export function readHelmReleases(records: readonly KubeObject[]): Set<string> {
  return new Set(records.map(({ metadata }) => metadata.labels?.name).filter((name) => name !== undefined));
}

export const HELM_RECORDS = { resource: RESOURCES.secrets, labels: "owner=helm" } as const;

/** `Pod sales-exec-1`. */
export const showLeftover = ({ resource, name }: Pick<Leftover, "resource" | "name">): string =>
  `${resource.kind} ${name}`;
