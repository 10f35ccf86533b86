// SPDX-License-Identifier: Apache-2.0
import type { Connection } from "./connection.ts";
import type { KubeObject, List } from "./objects.ts";
import { pathOf, type Resource } from "./resources.ts";

/** Which objects of a kind. */
export type Selection = {
  resource: Resource;
  /** All namespaces when not given. */
  namespace?: string;
  labels?: string;
  fields?: string;
};

/** Objects a page: 50 pods are about 700 kB of JSON. Larger pages are slower, since they live long enough to be moved. */
const PAGE = 50;
const EXPIRED = "WATCH_EXPIRED";
const META_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/**
 * Lists page by page; each object is handed to `take` as it comes, so that no more than a page is held.
 *
 * @param options.metaOnly names, labels and annotations alone: a tenth of the bytes
 * @returns the resourceVersion from which a watch goes on
 * @throws BulwarkError as `toApiError` says
 */
export async function listEach<Item extends KubeObject>(
  connection: Connection,
  selection: Selection,
  take: (item: Item) => void,
  options: { signal?: AbortSignal; metaOnly?: boolean; pageSize?: number } = {},
): Promise<string> {
  const { resource, namespace, labels, fields } = selection;
  const { signal, metaOnly = false, pageSize = PAGE } = options;
  let next: string | undefined;
  let version = "";
  do {
    const page: List<Item> = await connection.ask<List<Item>>({
      path: pathOf(resource, namespace),
      query: { labelSelector: labels, fieldSelector: fields, limit: pageSize, continue: next },
      what: `list ${resource.plural}${namespace === undefined ? "" : ` in namespace ${namespace}`}`,
      ...(metaOnly ? { accept: META_ONLY } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
    for (const item of page.items ?? []) take(item);
    version = page.metadata?.resourceVersion ?? "";
    next = page.metadata?.continue || undefined;
  } while (next !== undefined);
  return version;
}

/** All objects of a selection at once. A page that expired while it was read is begun anew. */
export async function listAll<Item extends KubeObject>(
  connection: Connection,
  selection: Selection,
  options: { signal?: AbortSignal; metaOnly?: boolean; pageSize?: number } = {},
): Promise<Item[]> {
  for (;;) {
    const items: Item[] = [];
    try {
      await listEach<Item>(connection, selection, (item) => items.push(item), options);
      return items;
    } catch (error) {
      if ((error as { code?: string }).code !== EXPIRED || options.signal?.aborted === true) throw error;
    }
  }
}

/** One object, or undefined when there is none of that name. */
export async function findObject<Item extends KubeObject>(
  connection: Connection,
  resource: Resource,
  place: { namespace?: string; name: string },
  signal?: AbortSignal,
): Promise<Item | undefined> {
  try {
    return await connection.ask<Item>({
      path: pathOf(resource, place.namespace, place.name),
      what: `read ${resource.kind} ${place.name}`,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if ((error as { code?: string }).code === "OBJECT_MISSING") return undefined;
    throw error;
  }
}

/** Makes an object; with `dryRun` the server judges it without making it, fields it does not know refused or ignored. */
export async function createObject<Item extends KubeObject>(
  connection: Connection,
  resource: Resource,
  object: KubeObject,
  options: { namespace?: string; dryRun?: "Strict" | "Ignore"; signal?: AbortSignal } = {},
): Promise<Item> {
  const namespace = options.namespace ?? object.metadata.namespace;
  return connection.ask<Item>({
    method: "POST",
    path: pathOf(resource, namespace),
    query: {
      ...(options.dryRun === undefined ? {} : { dryRun: "All", fieldValidation: options.dryRun }),
      fieldManager: "bulwark",
    },
    body: object,
    what: `create ${resource.kind} ${object.metadata.name}`,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** Changes parts of an object (RFC 7386). */
export async function patchObject<Item extends KubeObject>(
  connection: Connection,
  resource: Resource,
  place: { namespace?: string; name: string },
  patch: unknown,
): Promise<Item> {
  return connection.ask<Item>({
    method: "PATCH",
    path: pathOf(resource, place.namespace, place.name),
    contentType: "application/merge-patch+json",
    query: { fieldManager: "bulwark" },
    body: patch,
    what: `change ${resource.kind} ${place.name}`,
  });
}

/** Deletes one object; false when it was gone before. Pods go with what they own. */
export async function deleteObject(
  connection: Connection,
  resource: Resource,
  place: { namespace?: string; name: string },
): Promise<boolean> {
  try {
    await connection.ask({
      method: "DELETE",
      path: pathOf(resource, place.namespace, place.name),
      body: { propagationPolicy: "Background" },
      what: `delete ${resource.kind} ${place.name}`,
    });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "OBJECT_MISSING") return false;
    throw error;
  }
}

/**
 * Deletes every object of a selection, with one question where that may be asked: it is a right of its own
 * (`deletecollection`), and Services have none.
 */
export async function deleteSelected(connection: Connection, selection: Selection): Promise<void> {
  const { resource, namespace, labels, fields } = selection;
  if (resource.plural === "services") return deleteEach(connection, selection);
  try {
    await connection.ask({
      method: "DELETE",
      path: pathOf(resource, namespace),
      query: { labelSelector: labels, fieldSelector: fields },
      body: { propagationPolicy: "Background" },
      what: `delete ${resource.plural}`,
      limitMs: 120_000,
    });
  } catch (error) {
    if ((error as { code?: string }).code !== "CLUSTER_FORBIDDEN") throw error;
    await deleteEach(connection, selection);
  }
}

async function deleteEach(connection: Connection, selection: Selection): Promise<void> {
  const { resource, namespace = "" } = selection;
  const found = await listAll<KubeObject>(connection, selection, { metaOnly: true });
  await Promise.all(
    found.map(({ metadata }) =>
      deleteObject(connection, resource, { namespace: metadata.namespace ?? namespace, name: metadata.name }),
    ),
  );
}
