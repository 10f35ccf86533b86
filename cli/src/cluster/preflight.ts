// SPDX-License-Identifier: Apache-2.0
import {
  BulwarkError,
  byPosition,
  countFindings,
  type ErrorCode,
  type Finding,
  type JobFile,
} from "@bulwark/contracts";
import {
  type Claim,
  checkNamedSecrets,
  type KubeObject,
  listRights,
  type NamedSecrets,
  namesOf,
  RESOURCES,
  type Resource,
  type Right,
  type Secret,
  showRight,
  toReview,
} from "@bulwark/kubernetes";
import { findObject, listAll } from "@bulwark/kubernetes/api";
import { namedKeys } from "../runs/named-keys.ts";
import { findObjections } from "./admission.ts";
import type { ClusterJob } from "./job-input.ts";
import type { Cluster } from "./open.ts";
import { needsTls, storeRolesOf } from "./release-secrets.ts";

/** What is to be submitted where. */
type Plan = {
  cluster: Cluster;
  release: string;
  work: ClusterJob;
  isUpgrade: boolean;
  /** Whether the release has the name that the job file says, and not one of its own. */
  isNamedByFile: boolean;
  /** Whether the API server is asked for all it has to say, and not for what is wrong with the job file alone. */
  isDryRun: boolean;
  /** Makes the manifest of every object of the submission. */
  render: () => Promise<readonly KubeObject[]>;
};

type Check = (plan: Plan) => Promise<readonly Finding[]>;

/** Every check against the cluster; they are made side by side. */
const CHECKS: Readonly<Record<string, Check>> = {
  rights: async ({ cluster }) =>
    (await findMissingRights(cluster)).map((right) => toRightFinding(right, cluster.namespace)),
  name: checkName,
  claims: checkClaims,
  secrets: checkSecrets,
  objects: checkObjects,
  runtimeClass: checkRuntimeClass,
};

/**
 * Looks whether the cluster can take the job, before anything is made there. All findings at once, each about a value of the
 * job file with the place where that stands.
 *
 * @throws BulwarkError NAMESPACE_UNKNOWN, CLUSTER_FORBIDDEN when rights are missing, PREFLIGHT_FAILED (or the code of
 *   the only finding) for the rest; CLUSTER_UNREACHABLE and the like
 */
export async function checkAgainstCluster(plan: Plan): Promise<void> {
  await checkNamespace(plan.cluster);
  const [checked, objections] = await Promise.all([
    Promise.all(Object.values(CHECKS).map((check) => check(plan))),
    plan.render().then((objects) => findObjections({ ...plan, objects })),
  ]);
  const found = checked.flat();
  const findings = [...found, ...objections.filter(isNewTo(found, plan))].map(plan.work.place).toSorted(byPosition);
  const [first] = findings;
  if (first === undefined) return;
  const forbidden = findings.some(({ code }) => code === "CLUSTER_FORBIDDEN");
  const code = forbidden ? "CLUSTER_FORBIDDEN" : findings.length === 1 ? first.code : "PREFLIGHT_FAILED";
  throw new BulwarkError(
    code,
    `The cluster cannot run the job: ${countFindings(findings)}; nothing was created.`,
    "mend what is listed above; see everything: bulwark doctor --cluster",
    { findings },
  );
}

/** What the API server says of objects that a check has told already, by its code and the check's. */
const TOLD_AS: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  CLUSTER_CONFLICT: "RELEASE_EXISTS",
  CLUSTER_FORBIDDEN: "CLUSTER_FORBIDDEN",
};

/**
 * Whether an objection is to be told. A submission is not held up by what is about no key of the job file: policies for
 * pods without an owner, or a quota that is free by the time, do not concern what is made later.
 */
const isNewTo =
  (found: readonly Finding[], { isDryRun, isUpgrade }: Plan) =>
  ({ code, path }: Finding): boolean => {
    if (path !== undefined) return true;
    const isTold = found.some((finding) => finding.code === TOLD_AS[code]);
    return isDryRun && !isTold && !(isUpgrade && code === "CLUSTER_CONFLICT");
  };

/**
 * Looks whether the namespace is there. Who may not look finds out by what follows.
 *
 * @throws BulwarkError NAMESPACE_UNKNOWN
 */
export async function checkNamespace({ connection, namespace }: Cluster): Promise<void> {
  const found = await orUnknown(findObject<KubeObject>(connection, RESOURCES.namespaces, { name: namespace }));
  if (found !== undefined) return;
  const message = `There is no namespace ${namespace} in the cluster of context ${connection.access.context}.`;
  throw new BulwarkError("NAMESPACE_UNKNOWN", message, "name another with -n; see them: kubectl get namespaces");
}

/** `"unknown"` for what one is not permitted to read: that is no finding. */
async function orUnknown<Value>(reading: Promise<Value>): Promise<Value | "unknown"> {
  return reading.catch((error) => {
    if (error instanceof BulwarkError && error.code === "CLUSTER_FORBIDDEN") return "unknown";
    throw error;
  });
}

/** Rights that are missing, one question each (SelfSubjectAccessReview). */
export async function findMissingRights({ connection, namespace }: Cluster): Promise<Right[]> {
  const rights = listRights().filter(({ optional }) => optional !== true);
  return (await askRights({ connection, namespace }, rights))
    .filter(({ allowed }) => !allowed)
    .map(({ right }) => right);
}

/** Asks the API server for each right whether the user has it. */
export async function askRights(
  { connection, namespace }: Pick<Cluster, "connection" | "namespace">,
  rights: readonly Right[],
): Promise<{ right: Right; allowed: boolean }[]> {
  return Promise.all(
    rights.map(async (right) => {
      const review = await connection.ask<{ status?: { allowed?: boolean } }>({
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body: toReview(right, namespace),
        what: "ask for my rights",
      });
      return { right, allowed: review.status?.allowed === true };
    }),
  );
}

const toRightFinding = (right: Right, namespace: string): Finding => ({
  code: "CLUSTER_FORBIDDEN",
  message: `you may not ${showRight(right)} in namespace ${namespace}, needed ${right.why}`,
  mend: `ask for it: kubectl create role --verb=${right.verb} --resource=${right.resource}${right.sub ? `/${right.sub}` : ""}${right.group === "" ? "" : `.${right.group}`}`,
});

async function checkName({ cluster, release, isUpgrade, isNamedByFile }: Plan): Promise<Finding[]> {
  const { connection, namespace } = cluster;
  const about = isNamedByFile ? { path: "name" } : {};
  const [configuration, records] = await Promise.all([
    orUnknown(
      findObject<KubeObject>(connection, RESOURCES.configmaps, { namespace, name: namesOf(release).configuration }),
    ),
    orUnknown(
      listAll<KubeObject>(
        connection,
        { resource: RESOURCES.secrets, namespace, labels: `owner=helm,name=${release}` },
        { metaOnly: true },
      ),
    ),
  ]);
  const isKnown = records === "unknown" ? configuration !== undefined : records.length > 0;
  if (isUpgrade) {
    return isKnown
      ? []
      : [
          {
            code: "RELEASE_UNKNOWN",
            ...about,
            message: `there is no release ${release} to upgrade`,
            mend: "leave --upgrade out",
          },
        ];
  }
  if (isKnown) {
    const mend = `use another name, delete it (bulwark delete ${release} -n ${namespace}), or add --upgrade`;
    return [
      { code: "RELEASE_EXISTS", ...about, message: `a release ${release} is in namespace ${namespace} already`, mend },
    ];
  }
  if (configuration === undefined || configuration === "unknown") return [];
  const mend = `remove it: bulwark delete ${release} --leftovers -n ${namespace}`;
  return [
    { code: "RELEASE_EXISTS", ...about, message: `objects of an earlier release ${release} are still there`, mend },
  ];
}

/** Every claim that a job names, by the key that names it. */
export function listClaims(job: JobFile): { path: string; name: string }[] {
  const named = [
    { path: "pvc", name: job.pvc },
    { path: "eventLog.pvc", name: job.eventLog.pvc },
    ...Object.entries(job.volumes).map(([volume, { claim }]) => ({ path: `volumes.${volume}.claim`, name: claim })),
  ];
  return named.flatMap(({ path, name }) => (name === undefined ? [] : [{ path, name }]));
}

async function checkClaims({ cluster: { connection, namespace }, work: { job } }: Plan): Promise<Finding[]> {
  const findings = await Promise.all(
    listClaims(job).map(async ({ path, name }): Promise<Finding[]> => {
      const claim = await orUnknown(
        findObject<Claim>(connection, RESOURCES.persistentvolumeclaims, { namespace, name }),
      );
      if (claim === undefined) {
        const message = `there is no volume claim ${name} in namespace ${namespace}`;
        return [{ code: "OBJECT_MISSING", path, message, mend: "correct the name; see claims: kubectl get pvc" }];
      }
      if (claim !== "unknown" && claim.status?.phase === "Lost") {
        const message = `the volume of claim ${name} is lost`;
        return [{ code: "OBJECT_MISSING", path, message, mend: `see why: kubectl describe pvc ${name}` }];
      }
      return [];
    }),
  );
  return findings.flat();
}

/** What is wrong with Secrets, ConfigMaps and accounts that the job names, each with its place in the job file. */
export async function findWrongObjects(cluster: Cluster, work: ClusterJob): Promise<Finding[]> {
  const found = await Promise.all([checkSecrets({ cluster, work }), checkObjects({ cluster, work })]);
  return found.flat().map(work.place).toSorted(byPosition);
}

type Named = Pick<Plan, "cluster" | "work">;

async function checkSecrets({
  cluster: { connection, namespace },
  work: { job, ownSecrets },
}: Named): Promise<Finding[]> {
  const { secrets } = job.security;
  const read = async (key: "application" | "keys" | "password" | "keyring", isUsed: boolean) => {
    const name = secrets[key];
    if (!ownSecrets.has(key) || !isUsed || name === "") return undefined;
    const secret = await orUnknown(findObject<Secret>(connection, RESOURCES.secrets, { namespace, name }));
    return secret === "unknown" ? undefined : { name, secret };
  };
  const [application, keys, password, keyring] = await Promise.all([
    read("application", true),
    read("keys", needsTls(job)),
    read("password", needsTls(job)),
    read("keyring", namedKeys(job).length > 0),
  ]);
  const named: NamedSecrets = {
    ...(application === undefined ? {} : { application: { ...application, entry: secrets.applicationEntry } }),
    ...(keys === undefined ? {} : { keys: { ...keys, roles: storeRolesOf(job) } }),
    ...(password === undefined ? {} : { password }),
    ...(keyring === undefined ? {} : { keyring }),
  };
  const halves = ownSecrets.has("keys") !== ownSecrets.has("password") && needsTls(job);
  return [...checkNamedSecrets(named), ...(halves ? [HALF_TLS] : [])];
}

const HALF_TLS: Finding = {
  code: "SECRET_MISMATCH",
  path: "security.secrets",
  message: "one of keys and password is named, and they belong together",
  mend: "name both, or neither, and submit makes them",
};

/** Other objects that the job names, by the key that names them. */
function listObjects(job: JobFile): { path: string; resource: Resource; name: string }[] {
  return [
    ...job.imagePullSecrets.map((name, index) => ({
      path: `imagePullSecrets.${index}`,
      resource: RESOURCES.secrets,
      name,
    })),
    ...Object.entries(job.volumes).flatMap(([volume, { secret, configMap }]) => [
      ...(secret === undefined
        ? []
        : [{ path: `volumes.${volume}.secret`, resource: RESOURCES.secrets, name: secret }]),
      ...(configMap === undefined
        ? []
        : [{ path: `volumes.${volume}.configMap`, resource: RESOURCES.configmaps, name: configMap }]),
    ]),
    ...(["driver", "executor"] as const).flatMap((role) => {
      const name = job.serviceAccount[role];
      return name === "" ? [] : [{ path: `serviceAccount.${role}`, resource: RESOURCES.serviceaccounts, name }];
    }),
  ];
}

async function checkObjects({ cluster: { connection, namespace }, work: { job } }: Named): Promise<Finding[]> {
  const findings = await Promise.all(
    listObjects(job).map(async ({ path, resource, name }): Promise<Finding[]> => {
      const found = await orUnknown(findObject<KubeObject>(connection, resource, { namespace, name }));
      if (found !== undefined) return [];
      const message = `there is no ${resource.kind} ${name} in namespace ${namespace}`;
      return [
        {
          code: "OBJECT_MISSING",
          path,
          message,
          mend: `make it, or correct the name: kubectl get ${resource.plural}`,
        },
      ];
    }),
  );
  return findings.flat();
}

/** Runtime classes of confidential VMs, as Kata's chart names them. */
const RUNTIME_CLASSES: Readonly<Record<string, string>> = { tdx: "kata-qemu-tdx", snp: "kata-qemu-snp" };

/** The runtime class a job needs, if any. */
export const runtimeClassOf = ({ trust }: JobFile): string | undefined =>
  trust.tee === "tdx" || trust.tee === "snp" ? (trust.runtimeClass ?? RUNTIME_CLASSES[trust.tee]) : undefined;

async function checkRuntimeClass({ cluster: { connection }, work: { job } }: Plan): Promise<Finding[]> {
  const name = runtimeClassOf(job);
  if (name === undefined) return [];
  const found = await orUnknown(findObject<KubeObject>(connection, RESOURCES.runtimeclasses, { name }));
  if (found !== undefined) return [];
  const message = `the cluster has no runtime class ${name}, and trust.tee is ${job.trust.tee}`;
  const mend = "install Kata Containers (kata-deploy), or name the class: trust.runtimeClass";
  const path = job.trust.runtimeClass === undefined ? "trust.tee" : "trust.runtimeClass";
  return [{ code: "OBJECT_MISSING", path, message, mend }];
}
