// SPDX-License-Identifier: Apache-2.0
// A release made by plain Helm, and what becomes of it.
import { basename, dirname, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { versions } from "../../../cli/src/versions.ts";
import { REPOSITORY } from "../../e2e/harness.ts";
import { type Cluster, type KubernetesObject, type TestNamespace, until } from "../fixture/index.ts";

const CHART = join(REPOSITORY, "charts", "spark-job");
const JOB_LIMIT_MS = 480_000;
/** Between two looks at a release: who looks takes time from what is looked at. */
export const PAUSE_MS = 250;
/** Nothing of a release may be left so long after its end. */
export const GONE_LIMIT_MS = 60_000;
/** Kinds a release may leave behind, by the part of the API they are in. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  "api/v1": ["pods", "services", "configmaps", "secrets", "persistentvolumeclaims", "serviceaccounts"],
  "apis/batch/v1": ["jobs", "cronjobs"],
  "apis/networking.k8s.io/v1": ["networkpolicies"],
  "apis/policy/v1": ["poddisruptionbudgets"],
  "apis/rbac.authorization.k8s.io/v1": ["roles", "rolebindings"],
};

/** The same kinds, each as `GROUP/KIND`. */
export const RELEASE_PATHS = Object.entries(KINDS).flatMap(([group, kinds]) => kinds.map((kind) => `${group}/${kind}`));

export type Pod = {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp: string;
    ownerReferences?: { kind: string; uid: string }[];
  };
  spec: {
    serviceAccountName: string;
    automountServiceAccountToken?: boolean;
    containers: { name: string; env: { name: string; value?: string }[] }[];
    volumes: { name: string; configMap?: { name: string } }[];
  };
  status: {
    phase: string;
    podIP?: string;
    containerStatuses?: { name: string; state: { terminated?: { exitCode: number }; running?: object } }[];
  };
};

export type Progress = {
  state: string;
  stages: { done: number; total: number };
  tasks: { done: number; total: number };
  executors: { registered: number; wanted: number };
  failure?: { code: string; message: string };
};

export type Security = {
  verdict: string;
  tee: string;
  profile: string;
  observations: { subject: string; observed: string; asPlanned: boolean }[];
};

export type Release = {
  name: string;
  pods(role?: string): Promise<Pod[]>;
  /** What the newest driver told last. */
  progress(): Promise<Progress | undefined>;
  /** Waits for the end of the job: what its last pod said. */
  end(): Promise<{ exitCode: number; log: string; progress: Progress; security: Security | undefined; driver: Pod }>;
  uninstall(): Promise<void>;
  /** What is left of it, by kind and name. */
  left(): Promise<string[]>;
};

/** Installs a job with plain Helm. */
export async function install(
  cluster: Cluster,
  namespace: TestNamespace,
  name: string,
  values: object,
): Promise<Release> {
  await callHelm(cluster, ["install", name, CHART, "-n", namespace.name], values);
  return findRelease(cluster, namespace, name);
}

/**
 * The same job without its protection: what the chart renders, without the settings of the profile and without the
 * plugin that would refuse to run so. For tests that show what protection changes.
 */
export async function applyUnprotected(
  cluster: Cluster,
  namespace: TestNamespace,
  name: string,
  values: object,
): Promise<Release> {
  // Helm built without its release's flags takes a Kubernetes of its own for granted.
  const version = ["--kube-version", versions.cluster.kubernetes];
  const rendered = await callHelm(cluster, ["template", name, CHART, "-n", namespace.name, ...version], values);
  const objects = parseAllDocuments(rendered).flatMap((document) => (document.toJS() as KubernetesObject | null) ?? []);
  for (const object of objects) {
    object.metadata = { ...object.metadata, namespace: namespace.name };
    const data = object.data as Record<string, string> | undefined;
    if (data?.["spark.properties"] === undefined) continue;
    data["spark.properties"] = data["spark.properties"].replaceAll(PROTECTION, "");
  }
  await cluster.apply(objects);
  return findRelease(cluster, namespace, name);
}

const PROTECTION =
  /^spark\.(authenticate|network\.crypto|ssl\.rpc|io\.encryption|plugins)\b(?!\.driver|\.executor).*\n?/gm;

function callHelm(cluster: Cluster, args: readonly string[], values: object): Promise<string> {
  const small = { driver: { memory: "700m" }, executor: { memory: "700m" }, startTimeout: "10m" };
  const input = JSON.stringify({ image: cluster.sparkImage, ...small, ...values });
  return cluster.run(cluster.programs.helm, [...args, "-f", "-"], { input });
}

/** A release, whoever made it. */
export function findRelease(cluster: Cluster, namespace: TestNamespace, name: string): Release {
  const target = ["-n", namespace.name];
  const selector = `app.kubernetes.io/instance=${name}`;
  const list = async <T>(path: string, labels = selector): Promise<T[]> => {
    const [group, kind] = [dirname(path), basename(path)];
    const query = `labelSelector=${encodeURIComponent(labels)}`;
    const place = `/${group}/namespaces/${namespace.name}/${kind}?${query}`;
    return (await cluster.api.read<{ items: T[] }>(place)).items;
  };
  /** That of the last attempt: the API server lists pods by their names. */
  const findNewestDriver = async (): Promise<Pod | undefined> =>
    (await release.pods("driver"))
      .toSorted((one, two) => one.metadata.creationTimestamp.localeCompare(two.metadata.creationTimestamp))
      .at(-1);
  const release: Release = {
    name,
    pods: async (role) =>
      (await list<Pod>("api/v1/pods")).filter(
        ({ metadata }) => role === undefined || metadata.labels["bulwark/role"] === role,
      ),
    async progress() {
      const told = (await findNewestDriver())?.metadata.annotations?.["bulwark/progress"];
      return told === undefined ? undefined : JSON.parse(told);
    },
    async end() {
      await until(`the end of ${name}`, () => hasEnded(list), JOB_LIMIT_MS, PAUSE_MS).catch(async (late: Error) => {
        const logs = await cluster.kubectl([
          ...target,
          "logs",
          "-l",
          selector,
          "--all-containers",
          "--tail=40",
          "--prefix",
        ]);
        throw new Error(`${late.message}\n${logs}`);
      });
      const driver = await findNewestDriver();
      if (driver === undefined) throw new Error(await cluster.kubectl([...target, "get", "events"]));
      const log = await cluster.kubectl([...target, "logs", driver.metadata.name]);
      const ended = driver.status.containerStatuses?.[0]?.state.terminated;
      const { annotations = {} } = driver.metadata;
      const read = (key: string) => (annotations[key] === undefined ? undefined : JSON.parse(annotations[key]));
      return {
        exitCode: ended?.exitCode ?? -1,
        log,
        progress: read("bulwark/progress"),
        security: read("bulwark/security"),
        driver,
      };
    },
    async uninstall() {
      await cluster.run(cluster.programs.helm, ["uninstall", name, ...target]);
      await until(
        `nothing of ${name} to be left`,
        async () => (await release.left()).length === 0,
        GONE_LIMIT_MS,
        PAUSE_MS,
      );
    },
    async left() {
      const asked = [
        ...RELEASE_PATHS.map((path) => ({ path, labels: selector })),
        // Helm's own record of it.
        { path: "api/v1/secrets", labels: `owner=helm,name=${name}` },
      ];
      const found = asked.map(async ({ path, labels }) =>
        (await list<{ metadata: { name: string } }>(path, labels)).map(
          ({ metadata }) => `${basename(path)} ${metadata.name}`,
        ),
      );
      return (await Promise.all(found)).flat();
    },
  };
  return release;
}

async function hasEnded(list: <T>(path: string) => Promise<T[]>): Promise<boolean> {
  type Job = { status: { conditions?: { type: string; status: string }[] } };
  const jobs = await list<Job>("apis/batch/v1/jobs");
  return jobs.some(({ status }) =>
    status.conditions?.some((one) => ["Complete", "Failed"].includes(one.type) && one.status === "True"),
  );
}
