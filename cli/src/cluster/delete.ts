// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  findLeftovers,
  isOurs,
  type KubeObject,
  type Leftover,
  RELEASE_KINDS,
  RESOURCES,
  readHelmReleases,
  releaseOf,
  selectorOf,
  showLeftover,
} from "@bulwark/kubernetes";
import { deleteObject, deleteSelected, listAll } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { callHelm, findHelm, type Helm } from "./helm.ts";
import type { Cluster } from "./open.ts";

/** What a deletion did. */
export type Deleted = { name: string; namespace: string; objects: number };

const POLL_MS = 500;
const AT_ONCE = 4;
/** Younger objects without a release may belong to a submission that is just under way. */
const UNDER_WAY_MS = 5 * 60_000;

/** Names of the releases that Helm has records of, in Secrets or ConfigMaps (its two drivers that live in a cluster). */
export async function readHelmNames({ connection, namespace }: Cluster): Promise<Set<string>> {
  const records = await Promise.all(
    [RESOURCES.secrets, RESOURCES.configmaps].map((resource) =>
      listAll<KubeObject>(connection, { resource, namespace, labels: "owner=helm" }, { metaOnly: true }),
    ),
  );
  return readHelmReleases(records.flat());
}

/** Every object of one release, or of all, that is there: names and labels alone. */
export async function listObjects(
  { connection, namespace }: Cluster,
  release?: string,
): Promise<{ resource: (typeof RELEASE_KINDS)[number]; object: KubeObject }[]> {
  const labels = selectorOf(release);
  const found = await Promise.all(
    RELEASE_KINDS.map(async (resource) => {
      const objects = await listAll<KubeObject>(connection, { resource, namespace, labels }, { metaOnly: true });
      return objects.filter(({ metadata }) => isOurs(metadata)).map((object) => ({ resource, object }));
    }),
  );
  return found.flat();
}

/**
 * Uninstalls a release and waits until nothing of it is left, what others own included. What `helm uninstall` does not
 * reach, as it was made by a run that died, is removed by its labels.
 *
 * @throws BulwarkError LEFTOVERS_REMAIN when the time is over, with what is still there
 */
export async function deleteRelease(
  context: Context,
  cluster: Cluster,
  release: string,
  options: { helm: Helm | undefined; isKnown: boolean; timeoutMs: number },
): Promise<Deleted> {
  const before = (await listObjects(cluster, release)).length;
  if (options.isKnown) {
    const helm = options.helm ?? (await findHelm(context));
    await callHelm(context, cluster, helm, ["uninstall", release, "--ignore-not-found"]);
  }
  await sweep(context, cluster, release, options.timeoutMs);
  return { name: release, namespace: cluster.namespace, objects: before };
}

/** Waits for garbage collection, and helps it along: owners are gone, so each object may go by itself. */
async function sweep(
  { signal, progress }: Context,
  cluster: Cluster,
  release: string | undefined,
  timeoutMs: number,
): Promise<void> {
  const limit = performance.now() + timeoutMs;
  const step = progress.step(
    release === undefined ? "waiting until nothing is left" : `waiting until nothing of ${release} is left`,
  );
  try {
    for (;;) {
      const left = await listObjects(cluster, release);
      if (left.length === 0) return;
      step.update(`${left.length} objects`);
      if (performance.now() > limit) throw remaining(left);
      const standing = left.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
      await deleteAll(cluster, standing);
      await delay(POLL_MS, undefined, { signal });
    }
  } finally {
    step.done();
  }
}

type Found = Awaited<ReturnType<typeof listObjects>>;

/** Each by its name, a few at once: only what was found, and found to be ours, may go. */
async function deleteAll({ connection, namespace }: Cluster, found: Found): Promise<void> {
  for (const resource of RELEASE_KINDS) {
    const names = found.filter((one) => one.resource === resource).map(({ object }) => object.metadata.name);
    for (const chunk of chunks(names, 16)) {
      await Promise.all(chunk.map((name) => deleteObject(connection, resource, { namespace, name })));
    }
  }
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_none, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function remaining(left: Found): BulwarkError {
  const shown = left.slice(0, 5).map(({ resource, object }) => showLeftover({ resource, name: object.metadata.name }));
  const more = left.length > shown.length ? ` and ${left.length - shown.length} more` : "";
  const message = `Still there: ${shown.join(", ")}${more}.`;
  return new BulwarkError(
    "LEFTOVERS_REMAIN",
    message,
    "see why: kubectl get -o yaml; finalizers or a node that is away hold objects",
  );
}

/** Deletes every release of the namespace, and whatever else carries our labels there. */
export async function deleteEvery(context: Context, cluster: Cluster, timeoutMs: number): Promise<Deleted[]> {
  const [known, objects] = await Promise.all([readHelmNames(cluster), listObjects(cluster)]);
  const releases = [...new Set(objects.map(({ object }) => releaseOf(object.metadata) ?? ""))].filter(
    (name) => name !== "",
  );
  const ours = releases.filter((name) => known.has(name));
  if (ours.length > 0) {
    const helm = await findHelm(context);
    const step = context.progress.step(`uninstalling ${ours.length} releases`);
    let done = 0;
    for (const chunk of chunks(ours, AT_ONCE)) {
      context.signal.throwIfAborted();
      await Promise.all(
        chunk.map((name) => callHelm(context, cluster, helm, ["uninstall", name, "--ignore-not-found"])),
      );
      done += chunk.length;
      step.update(`${done} of ${ours.length}`);
    }
    step.done();
  }
  const { connection, namespace } = cluster;
  for (const resource of RELEASE_KINDS) {
    await deleteSelected(connection, { resource, namespace, labels: selectorOf() });
  }
  await sweep(context, cluster, undefined, timeoutMs);
  const count = new Map<string, number>();
  for (const { object } of objects) {
    const name = releaseOf(object.metadata) ?? "";
    count.set(name, (count.get(name) ?? 0) + 1);
  }
  return [...count].map(([name, number]) => ({ name, namespace, objects: number }));
}

/** Removes what carries our labels and belongs to no release; of `release` alone where it is given, whatever its age. */
export async function deleteLeftovers(
  context: Context,
  cluster: Cluster,
  release: string | undefined,
): Promise<Leftover[]> {
  const [known, objects] = await Promise.all([readHelmNames(cluster), listObjects(cluster, release)]);
  const youngest = new Date(context.now().getTime() - (release === undefined ? UNDER_WAY_MS : -UNDER_WAY_MS));
  const leftovers = findLeftovers(objects, known, youngest);
  const { connection, namespace } = cluster;
  for (const chunk of chunks(leftovers, 16)) {
    await Promise.all(chunk.map(({ resource, name }) => deleteObject(connection, resource, { namespace, name })));
  }
  return leftovers;
}
