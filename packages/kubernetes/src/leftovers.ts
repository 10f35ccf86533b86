// SPDX-License-Identifier: Apache-2.0
import type { KubeObject } from "./api/objects.ts";
import { RESOURCES, type Resource } from "./api/resources.ts";
import { isOurs, namesOf, releaseOf } from "./names.ts";

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

/** What Helm writes onto everything that it makes. */
const HELM_MARK = "meta.helm.sh/release-name";

/** Releases that live without a record of Helm's: somebody else applied what the chart renders (kubectl, Argo CD, Flux). */
function findApplied(objects: readonly { resource: Resource; object: KubeObject }[]): Set<string> {
  return new Set(
    objects.flatMap(({ resource, object: { metadata } }) => {
      const release = releaseOf(metadata);
      const isConfiguration =
        resource === RESOURCES.configmaps && release !== undefined && metadata.name === namesOf(release).configuration;
      return isConfiguration && metadata.annotations?.[HELM_MARK] === undefined ? [release] : [];
    }),
  );
}

/**
 * Objects of ours whose release is known to nobody (any more). What an object owns goes with it, so only those without
 * an owner are named.
 */
export function findLeftovers(
  objects: readonly { resource: Resource; object: KubeObject }[],
  releases: ReadonlySet<string>,
  olderThan: Date,
): Leftover[] {
  const applied = findApplied(objects);
  return objects.flatMap(({ resource, object: { metadata } }) => {
    const release = releaseOf(metadata);
    const createdAt = metadata.creationTimestamp ?? "";
    if (!isOurs(metadata) || release === undefined || releases.has(release) || applied.has(release)) return [];
    if ((metadata.ownerReferences ?? []).length > 0) return [];
    // What is younger may belong to a submission that is just under way.
    if (Date.parse(createdAt) > olderThan.getTime()) return [];
    return [{ resource, name: metadata.name, release, createdAt }];
  });
}

/** What `helm uninstall --keep-history` makes of a record, and an upgrade of those before. */
const PAST: ReadonlySet<string | undefined> = new Set(["uninstalled", "superseded"]);

/** Names of releases in Helm's own records (with the label owner=helm); of one that is uninstalled only history is kept. */
export function readHelmReleases(records: readonly KubeObject[]): Set<string> {
  const present = records.filter(({ metadata }) => !PAST.has(metadata.labels?.status));
  return new Set(present.map(({ metadata }) => metadata.labels?.name).filter((name) => name !== undefined));
}

export const HELM_RECORDS = { resource: RESOURCES.secrets, labels: "owner=helm" } as const;

/** `Pod sales-exec-1`. */
export const showLeftover = ({ resource, name }: Pick<Leftover, "resource" | "name">): string =>
  `${resource.kind} ${name}`;
