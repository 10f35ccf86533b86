// SPDX-License-Identifier: Apache-2.0
// What the chart made of a job, read again: which files a pod of a role will find mounted, and what it is started with.
import { createHash } from "node:crypto";
import type { ConfigMap, KubeObject } from "@bulwark/kubernetes";
import type { EnclaveRole } from "@bulwark/spark";

/** A file in a pod, with the SHA-256 of its content. */
export type MountedFile = { path: string; sha256: string };

type Volume = { name: string; configMap?: { name: string; items?: { key: string; path: string }[] } };
type PodSpec = {
  serviceAccountName?: string;
  containers: [{ args?: string[]; volumeMounts?: { name: string; mountPath: string }[] }];
  volumes?: Volume[];
};
type PodTemplate = Pick<KubeObject, "metadata"> & { spec: PodSpec };
type Workload = KubeObject & { spec: { template: { spec: PodSpec }; jobTemplate?: { spec: Workload["spec"] } } };

const isKind = (kind: string) => (object: KubeObject) => object.kind === kind;

/** The template that Spark makes a role's pods from: text in a ConfigMap, which no API server looks into. */
export function findTemplate(objects: readonly KubeObject[], role: EnclaveRole): PodTemplate | undefined {
  const maps = objects.filter(isKind("ConfigMap")) as ConfigMap[];
  const [template] = maps.flatMap(({ data }) => data?.[`${role}.yaml`] ?? []);
  return template === undefined ? undefined : JSON.parse(template);
}

/** The pod of a role: the Job's own, or the template that Spark makes executors from. */
function findPod(objects: readonly KubeObject[], role: EnclaveRole): PodSpec {
  if (role === "executor") {
    const template = findTemplate(objects, role);
    if (template === undefined) throw new Error("The chart made no template of executors.");
    return template.spec;
  }
  const job = objects.find(isKind("Job")) as Workload | undefined;
  const schedule = objects.find(isKind("CronJob")) as Workload | undefined;
  const spec = job?.spec ?? schedule?.spec.jobTemplate?.spec;
  if (spec === undefined) throw new Error("The chart made neither a Job nor a CronJob.");
  return spec.template.spec;
}

/** Entries of a ConfigMap as bytes, by name. The chart leaves a group without entries empty, which is null. */
function readEntries({ data, binaryData }: ConfigMap): Map<string, Buffer> {
  return new Map([
    ...Object.entries(data ?? {}).map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]),
    ...Object.entries(binaryData ?? {}).map(([name, text]): [string, Buffer] => [name, Buffer.from(text, "base64")]),
  ]);
}

/** Every file that the release itself mounts into a pod of a role; Secrets and what others make are none of it. */
export function listMounted(objects: readonly KubeObject[], role: EnclaveRole): MountedFile[] {
  const { containers, volumes = [] } = findPod(objects, role);
  const mounts = new Map(containers[0].volumeMounts?.map(({ name, mountPath }) => [name, mountPath]));
  const maps = new Map((objects.filter(isKind("ConfigMap")) as ConfigMap[]).map((map) => [map.metadata.name, map]));
  return volumes.flatMap(({ name, configMap }) => {
    const map = maps.get(configMap?.name ?? "");
    const folder = mounts.get(name);
    if (map === undefined || folder === undefined) return [];
    const entries = readEntries(map);
    const items = configMap?.items ?? [...entries.keys()].map((key) => ({ key, path: key }));
    return items.flatMap(({ key, path }) => {
      const content = entries.get(key);
      if (content === undefined) return [];
      return [{ path: `${folder}/${path}`, sha256: createHash("sha256").update(content).digest("hex") }];
    });
  });
}

/** What the container of a role is started with, after the word that says which role it is. */
export function listArguments(objects: readonly KubeObject[], role: EnclaveRole): string[] {
  return findPod(objects, role).containers[0].args?.slice(1) ?? [];
}
