// SPDX-License-Identifier: Apache-2.0
// What an API server has against the objects of a job, before any of them is made, by the keys of the job file.
import type { Finding, JobFile } from "@bulwark/contracts";
import { findResource, type KubeObject, RESOURCES, type Resource } from "@bulwark/kubernetes";
import { judgeObject, type Objection } from "@bulwark/kubernetes/api";
import type { ClusterJob } from "./job-input.ts";
import type { Cluster } from "./open.ts";
import { findTemplate } from "./rendered.ts";

/** What a pod is for; the launcher of deployMode cluster has no keys of its own. */
type Role = "driver" | "executor" | "launcher";

/** An object to be judged, and where in it the pod of a role is described. */
type Judged = { object: KubeObject; resource: Resource; pod?: { role: Role; prefix: string } };

export type Admission = {
  cluster: Cluster;
  release: string;
  work: Pick<ClusterJob, "job">;
  objects: readonly KubeObject[];
};

/**
 * Every objection of the API server to the objects of a release, and to the pods that Spark makes of its templates later.
 * What is about a key of the job file names it.
 */
export async function findObjections({ cluster, release, work, objects }: Admission): Promise<Finding[]> {
  const { connection, namespace } = cluster;
  const { job } = work;
  const judged = [...listObjects(job, objects), ...listPods(job, release, objects)];
  const findings = await Promise.all(
    judged.map(async ({ object, resource, pod }) =>
      (await judgeObject(connection, resource, object, namespace)).flatMap((objection) =>
        toFindings(job, pod, objection),
      ),
    ),
  );
  // Keys for all pods are judged with each of them.
  return [...new Map(findings.flat().map((finding) => [`${finding.path} ${finding.message}`, finding])).values()];
}

/** A RoleBinding is left out: whether it may be made depends on its Role, which is not there yet. */
function listObjects(job: JobFile, objects: readonly KubeObject[]): Judged[] {
  const role: Role = job.deployMode === "cluster" ? "launcher" : "driver";
  const prefixes: Readonly<Record<string, string>> = {
    Job: "spec.template.",
    CronJob: "spec.jobTemplate.spec.template.",
  };
  return objects.flatMap((object) => {
    const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
    if (resource === undefined || resource === RESOURCES.rolebindings) return [];
    const prefix = prefixes[resource.kind];
    return [{ object, resource, ...(prefix === undefined ? {} : { pod: { role, prefix } }) }];
  });
}

/** The templates as the pods that Spark makes of them: named, with the image, but without the account, which is not there yet. */
function listPods(job: JobFile, release: string, objects: readonly KubeObject[]): Judged[] {
  const roles = job.deployMode === "cluster" ? (["driver", "executor"] as const) : (["executor"] as const);
  return roles.flatMap((role) => {
    const template = findTemplate(objects, role);
    if (template === undefined) return [];
    const [container, ...others] = template.spec.containers;
    const { serviceAccountName: _account, ...spec } = template.spec;
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...template.metadata, name: `${release}-${role}` },
      spec: { ...spec, containers: [{ ...container, image: job.image }, ...others] },
    };
    return [{ object, resource: RESOURCES.pods, pod: { role, prefix: "" } }];
  });
}

/** What admission looks for before it judges anything; it says no field then. */
const NAMED: readonly { said: RegExp; field: string }[] = [
  { said: /no PriorityClass with name/, field: "spec.priorityClassName" },
  { said: /RuntimeClass .* not found/, field: "spec.runtimeClassName" },
];

function toFindings(job: JobFile, pod: Judged["pod"], { error, field }: Objection): Finding[] {
  const { code, message, mend } = error;
  const missing = NAMED.find(({ said }) => said.test(message));
  const path = pod && toKey(job, pod, missing?.field ?? field?.path ?? "");
  if (path === undefined) {
    // What the chart writes and an older server does not know never hindered a job.
    return field?.isUnknown === true ? [] : [{ code, message, mend }];
  }
  if (field === undefined) return [{ code: missing === undefined ? code : "OBJECT_MISSING", path, message, mend }];
  const fields = field.path.slice(pod?.prefix.length).replaceAll(/\[[^\]]*\]/g, "");
  const known = field.isUnknown ? fields.slice(0, fields.lastIndexOf(".")) : fields;
  return [
    {
      code,
      path,
      message: `the API server does not take it: ${field.message}`,
      mend: `see what it may be: kubectl explain pod.${known}`,
    },
  ];
}

type Names = readonly string[];

const toLabels = (role: string): Names => [role, "podTemplate", "labels"];
const toAnnotations = (role: string): Names => [role, "podTemplate", "annotations"];

/** The keys that a field of a role's pod comes from, by that field; nothing where it is the chart's own. */
const KEYS: Readonly<Record<string, (role: "driver" | "executor", job: JobFile, below: Names) => Names | undefined>> = {
  "metadata.labels": toLabels,
  "metadata.annotations": toAnnotations,
  // So the API server calls them in the template of a Job.
  labels: toLabels,
  annotations: toAnnotations,
  "spec.affinity": (role, job, below) => [...(isFilled(job[role].affinity) ? [role] : []), "affinity", ...below],
  "spec.nodeSelector": (role, job) => [...(isFilled(job[role].nodeSelector) ? [role] : []), "nodeSelector"],
  // First those for all pods, then the role's own. Where a place in the list is not said, nothing below it is either.
  "spec.tolerations": (role, { tolerations: { length } }, [index = "", ...below]) => {
    if (!/^\d+$/.test(index)) return length > 0 ? ["tolerations"] : [role, "tolerations"];
    const own = Number(index) - length;
    return own < 0 ? ["tolerations", index, ...below] : [role, "tolerations", String(own), ...below];
  },
  "spec.hostAliases": (role, _job, below) => [role, "podTemplate", "hostAliases", ...below],
  "spec.dnsConfig": (role, _job, below) => [role, "podTemplate", "dnsConfig", ...below],
  "spec.topologySpreadConstraints": (role, _job, below) => [role, "podTemplate", "topologySpreadConstraints", ...below],
  "spec.runtimeClassName": (role, job) =>
    job[role].podTemplate.runtimeClassName === undefined ? undefined : [role, "podTemplate", "runtimeClassName"],
  "spec.priorityClassName": () => ["priorityClassName"],
};

const isFilled = (value: object): boolean => Object.keys(value).length > 0;

function toKey(job: JobFile, { role, prefix }: NonNullable<Judged["pod"]>, field: string): string | undefined {
  if (!field.startsWith(prefix)) return undefined;
  const names = field
    .slice(prefix.length)
    .split(/[.[\]]+/)
    .filter((name) => name !== "");
  const find = KEYS[names.slice(0, 2).join(".")];
  // The launcher has what is for all pods alone.
  if (role === "launcher") return find === undefined || names[0] !== "spec" ? undefined : names.slice(1).join(".");
  return find?.(role, job, names.slice(2))?.join(".");
}
