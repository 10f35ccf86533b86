// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type ConfigMap,
  type JobStatus,
  type KubeObject,
  LABEL,
  labelsOf,
  namesOf,
  type Pod,
  RESOURCES,
  reducePod,
  shorten,
  toOwner,
} from "@bulwark/kubernetes";
import { createObject, deleteObject, findObject, watchObjects } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { Cluster } from "./open.ts";

/** Where the chart mounts the claim of event logs. */
export const EVENT_LOG_FOLDER = "/var/bulwark/eventlog";

/** Role and container of a pod that reads. */
export const READER = "reader";
/** Longest life of such a pod. */
export const LIFE_S = 3600;
const USER = 185;
const START_MS = 120_000;

/** A container in which a command can be run. */
export type Place = { pod: string; container: string };

/** What a reader pod reads: a claim of a job, at a folder, with the image that the job has. */
export type Reading = { status: JobStatus; claim: string; folder: string };

/**
 * Gives `use` a short-lived pod with a claim mounted read-only, as Pod Security "restricted" demands, and takes the pod
 * away again. Its owner is the release, so that it goes with it even when nobody is left to take it away.
 *
 * @throws BulwarkError POD_START_FAILED, RELEASE_UNKNOWN without an image to read with
 */
export async function withReaderPod<Result>(
  context: Context,
  cluster: Cluster,
  reading: Reading,
  use: (place: Place) => Promise<Result>,
): Promise<Result> {
  const describe = (name: string) => describePod(name, cluster.namespace, reading);
  return await withPod(context, cluster, { release: reading.status.name, describe }, use);
}

/** Gives `use` a pod and takes it away again. It is described by its name and the configuration of the release. */
export async function withPod<Result>(
  context: Context,
  cluster: Cluster,
  { release, describe }: { release: string; describe: (name: string, configuration?: ConfigMap) => KubeObject },
  use: (place: Place) => Promise<Result>,
): Promise<Result> {
  const { connection, namespace } = cluster;
  const name = `${release}-copy-${randomBytes(3).toString("hex")}`;
  const owner = await findObject<ConfigMap>(connection, RESOURCES.configmaps, {
    namespace,
    name: namesOf(release).configuration,
  });
  const { metadata, ...pod } = describe(name, owner);
  const owners = owner === undefined ? {} : { ownerReferences: [toOwner(owner)] };
  await createObject(connection, RESOURCES.pods, { ...pod, metadata: { ...metadata, ...owners } });
  try {
    await awaitRunning(context, cluster, name);
    return await use({ pod: name, container: READER });
  } finally {
    await deleteObject(connection, RESOURCES.pods, { namespace, name });
  }
}

/** The image that a job has. */
export function requireImage({ name, planned: { image } }: JobStatus): string {
  if (image !== undefined) return image;
  throw new BulwarkError("RELEASE_UNKNOWN", `It is not known which image ${name} has.`, `bulwark describe ${name}`);
}

function describePod(name: string, namespace: string, reading: Reading) {
  const { status, claim, folder } = reading;
  const { pullSecrets } = status.planned;
  const image = requireImage(status);
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { ...labelsOf(status.name), [LABEL.role]: READER },
    },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: LIFE_S,
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      imagePullSecrets: pullSecrets.map((secret) => ({ name: secret })),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: READER,
          image,
          imagePullPolicy: "IfNotPresent",
          command: ["sleep", String(LIFE_S)],
          resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: [
            { name: "data", mountPath: folder, readOnly: true },
            { name: "tmp", mountPath: "/tmp" },
          ],
        },
      ],
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: claim } },
        { name: "tmp", emptyDir: {} },
      ],
    },
  };
}

async function awaitRunning({ signal }: Context, { connection, namespace }: Cluster, name: string): Promise<void> {
  const limit = AbortSignal.timeout(START_MS);
  const both = AbortSignal.any([signal, limit]);
  const selection = { resource: RESOURCES.pods, namespace, fields: `metadata.name=${name}` };
  let last: Pod | undefined;
  for await (const change of watchObjects<Pod, Pod>(connection, selection, { reduce: (pod) => pod, signal: both })) {
    last = change.type === "listed" ? change.items[0] : change.item;
    if (last?.status?.phase === "Running") return;
    if (last?.status?.phase === "Failed" || change.type === "gone") break;
  }
  signal.throwIfAborted();
  // The role is unknown to a status, so the reason is read as that of a driver.
  const shown =
    last &&
    reducePod({ ...last, metadata: { ...last.metadata, labels: { ...last.metadata.labels, [LABEL.role]: "driver" } } });
  const why = shown?.reason?.words ?? shorten(last?.status?.message ?? "it gives no reason");
  throw new BulwarkError(
    "POD_START_FAILED",
    `The pod that reads the claim did not start: ${why}.`,
    shown?.reason?.mend ?? `kubectl describe pod ${name} -n ${namespace}`,
  );
}
