// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type ConfigMap, type JobStatus, LABEL, labelsOf } from "@bulwark/kubernetes";
import { runInPod } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { Cluster } from "./open.ts";
import { LIFE_S, type Place, READER, requireImage, withPod } from "./reader-pod.ts";

/** Where in its pod a reader puts what it fetched. */
export const STORE_COPY = "/tmp/store";

const HEAP = "384m";
const MEMORY = "768Mi";
/** What `bulwark.log.ReadStore` ends with when no class for the address is there. */
const NO_CONNECTOR = 5;
/** Clocks of the cluster and of the store differ. */
const CLOCKS_MS = 60_000;
const ADDRESS = /^(?!file:)[a-z][a-z0-9+.-]*:\/\//i;
/** By these a batch scheduler would take the pod for a part of the job. */
const QUEUE_LABELS = new Set(["applicationId", "queue", "kueue.x-k8s.io/queue-name"]);
/** Mounts to which a program writes. */
const WRITABLE = new Set(["tmp", "spark-local-dir-1"]);

type Named = { name: string };
type Template = {
  metadata?: { labels?: Record<string, string> };
  spec: Record<string, unknown> & { volumes: Named[]; containers: [DriverContainer] };
};
type DriverContainer = Record<string, unknown> & { env: Named[]; volumeMounts: Named[] };

/** The address of a job's event logs, where they are in no claim but in a store that Hadoop reaches. */
export const storeOf = ({ planned }: JobStatus): string | undefined =>
  planned.eventLogClaim === undefined && ADDRESS.test(planned.eventLog ?? "") ? planned.eventLog : undefined;

/**
 * Fetches a job's logs or event logs from their store into a short-lived pod, below {@link STORE_COPY}. The pod is as the
 * driver was (account, settings, volumes, network), so that what let the driver in lets it in, but has no token of the
 * API server and none of the job's own secrets.
 *
 * @throws BulwarkError POD_START_FAILED, RELEASE_UNKNOWN, LOGS_GONE or UI_UNAVAILABLE when the store cannot be read
 */
export async function withStoreCopy<Result>(
  context: Context,
  cluster: Cluster,
  { status, what }: { status: JobStatus; what: "logs" | "events" },
  use: (place: Place) => Promise<Result>,
): Promise<Result> {
  const root = storeOf(status)?.replace(/\/+$/, "") ?? "";
  const address = what === "logs" ? `${root}/bulwark-logs/${status.name}` : root;
  // A store may be shared: nothing that is older than the job is of it.
  const since = Math.max(0, (Date.parse(status.createdAt ?? "") || 0) - CLOCKS_MS);
  const command = ["/opt/bulwark/bin/entrypoint", "run", "bulwark.log.ReadStore", what, address, STORE_COPY];
  const describe = (name: string, configuration: ConfigMap | undefined) =>
    describeStoreReader(name, status, configuration);
  return await withPod(context, cluster, { release: status.name, describe }, async (place) => {
    const { connection, namespace } = cluster;
    const asked = { namespace, ...place, command: [...command, String(since)], signal: context.signal };
    const { exitCode, errors } = await runInPod(connection, asked, async () => undefined);
    if (exitCode !== 0) throw unreadable({ status, what, address }, exitCode, errors);
    return await use(place);
  });
}

/** A pod like the driver that does nothing of itself. */
export function describeStoreReader(name: string, status: JobStatus, configuration: ConfigMap | undefined) {
  const template = parseTemplate(status, configuration);
  const image = requireImage(status);
  const isSecret = ({ name: volume }: Named): boolean => volume.startsWith("secret-");
  const { runtimeClassName: _runtime, schedulerName: _scheduler, ...spec } = template.spec;
  const [{ args: _args, ports: _ports, ...driver }] = template.spec.containers;
  const labels = Object.entries(template.metadata?.labels ?? {}).filter(([key]) => !QUEUE_LABELS.has(key));
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: status.namespace,
      labels: {
        ...Object.fromEntries(labels),
        ...labelsOf(status.name),
        "app.kubernetes.io/component": READER,
        [LABEL.role]: READER,
      },
    },
    spec: {
      ...spec,
      activeDeadlineSeconds: LIFE_S,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      volumes: template.spec.volumes.filter((volume) => !isSecret(volume)),
      containers: [
        {
          ...driver,
          name: READER,
          image,
          command: ["sleep", String(LIFE_S)],
          env: driver.env.map((entry) =>
            entry.name === "BULWARK_DRIVER_MEMORY" ? { name: entry.name, value: HEAP } : entry,
          ),
          resources: { requests: { cpu: "10m", memory: MEMORY }, limits: { memory: MEMORY } },
          volumeMounts: driver.volumeMounts
            .filter((mount) => !isSecret(mount))
            .map((mount) => (WRITABLE.has(mount.name) ? mount : { ...mount, readOnly: true })),
        },
      ],
    },
  };
}

/** The driver's pod as the chart describes it. An older chart did not leave it behind. */
function parseTemplate(status: JobStatus, configuration: ConfigMap | undefined): Template {
  const text = configuration?.data?.["driver.yaml"];
  if (text !== undefined) return JSON.parse(text) as Template;
  throw new BulwarkError(
    "RELEASE_UNKNOWN",
    `${status.name} left nothing behind that tells how its driver reached ${storeOf(status)}.`,
    `read it there, for instance: hadoop fs -ls ${storeOf(status)}`,
  );
}

const REFUSALS = { logs: "LOGS_GONE", events: "UI_UNAVAILABLE" } as const;

function unreadable(
  { status, what, address }: { status: JobStatus; what: keyof typeof REFUSALS; address: string },
  exitCode: number,
  errors: string,
): BulwarkError {
  if (exitCode === NO_CONNECTOR) {
    return new BulwarkError(
      REFUSALS[what],
      `The image of ${status.name} has no class that reads ${address}.`,
      "put the connector into the image, or name its files under jars in the job file; maven.packages do not count here",
    );
  }
  const lines = errors.trim().split("\n");
  const said = (lines.find((line) => /\bException\b|Exception:/.test(line)) ?? lines.at(-1) ?? "").slice(0, 300);
  return new BulwarkError(
    REFUSALS[what],
    `${address} cannot be read: ${said}.`,
    `see that the driver's service account and settings may read it: bulwark describe ${status.name}`,
  );
}
