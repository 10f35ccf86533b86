// SPDX-License-Identifier: Apache-2.0
import { type KubeEvent, type Pod, timeOf } from "@bulwark/kubernetes";
import type { Column, Context, Result } from "../command.ts";
import { formatAge } from "../output/age.ts";
import { alignCells } from "../output/print.ts";
import { showOneLine } from "../output/terminal.ts";
import { listObjects } from "./delete.ts";
import { openCluster } from "./open.ts";
import { describeSecurity, describeStatus } from "./present.ts";
import { type ReleaseNow, readRelease } from "./read-release.ts";

type Flags = Readonly<Record<string, unknown>>;

/** `bulwark describe NAME`: status, protection, every object of the release, resources of its pods, latest events. */
export async function describeRelease(context: Context, name: string, flags: Flags): Promise<Result> {
  const cluster = await openCluster(context, flags);
  try {
    const [now, objects] = await Promise.all([readRelease(cluster, name), listObjects(cluster, name)]);
    const names = objects.map(({ resource, object }) => ({ kind: resource.kind, name: object.metadata.name }));
    const text = [
      describeStatus(now.status, context.now()).trimEnd(),
      describeSecurity(now.status).trimEnd(),
      section(
        "Resources",
        ["POD", "CONTAINER", "IMAGE", "REQUESTS", "LIMITS", "RUNTIME CLASS"],
        now.pods.flatMap(describeContainers),
      ),
      section(
        "Objects",
        ["KIND", "NAME"],
        names.map((object) => [object.kind, object.name]),
      ),
      section(
        "Latest events",
        ["AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"],
        toRows(now.events, context.now()).slice(-10),
      ),
    ].join("\n\n");
    return { value: { ...now.status, objects: names, events: now.events.map(toItem) }, text };
  } finally {
    cluster.connection.close();
  }
}

function section(title: string, headings: string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0
    ? `${title}: none`
    : `${title}\n${alignCells([headings, ...rows.map((row) => row.map(showOneLine))]).trimEnd()}`;
}

function describeContainers({ metadata, spec }: Pod): string[][] {
  const show = (resources: Record<string, string> | undefined): string =>
    Object.entries(resources ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .join(" ") || "-";
  return (spec?.containers ?? []).map(({ name, image, resources }) => [
    metadata.name,
    name,
    image ?? "",
    show(resources?.requests),
    show(resources?.limits),
    spec?.runtimeClassName ?? "-",
  ]);
}

const sorted = (events: readonly KubeEvent[]): KubeEvent[] => events.toSorted((one, two) => timeOf(one) - timeOf(two));

function toRows(events: readonly KubeEvent[], now: Date): string[][] {
  return sorted(events).map((event) => [
    formatAge(new Date(timeOf(event)), now),
    event.type ?? "",
    event.reason ?? "",
    `${event.involvedObject.kind ?? ""}/${event.involvedObject.name ?? ""}`,
    event.message ?? "",
  ]);
}

const toItem = (event: KubeEvent) => ({
  time: new Date(timeOf(event)).toISOString(),
  type: event.type,
  reason: event.reason,
  object: event.involvedObject,
  count: event.series?.count ?? event.count ?? 1,
  message: event.message,
});

/** `bulwark events NAME`: what the cluster says of a job's objects, the latest last. */
export async function showEvents(context: Context, name: string, flags: Flags): Promise<Result> {
  const cluster = await openCluster(context, flags);
  try {
    const { events }: ReleaseNow = await readRelease(cluster, name);
    const shown = sorted(events).filter(({ type }) => flags.warnings !== true || type === "Warning");
    const now = context.now();
    const columns: Column<KubeEvent>[] = [
      { heading: "age", cell: (event) => formatAge(new Date(timeOf(event)), now) },
      { heading: "type", cell: ({ type }) => type ?? "" },
      { heading: "reason", cell: ({ reason }) => reason ?? "" },
      { heading: "object", cell: ({ involvedObject: { kind, name: object } }) => `${kind ?? ""}/${object ?? ""}` },
      { heading: "count", wide: true, cell: ({ series, count }) => String(series?.count ?? count ?? 1) },
      { heading: "message", cell: ({ message }) => message ?? "" },
    ];
    return {
      value: { apiVersion: "bulwark/v1", name, items: shown.map(toItem) },
      table: {
        rows: shown,
        columns: columns as Column<never>[],
        name: ({ metadata }: KubeEvent) => metadata.name,
        empty: `No events of ${name}; clusters keep them for an hour.`,
      },
    };
  } finally {
    cluster.connection.close();
  }
}
