// SPDX-License-Identifier: Apache-2.0
// A release made by plain Helm, and what becomes of it.
import { join } from "node:path";
import { REPOSITORY } from "../../e2e/harness.ts";
import { type Cluster, type TestNamespace, until } from "../fixture/index.ts";

const CHART = join(REPOSITORY, "charts", "spark-job");
const JOB_LIMIT_MS = 480_000;
const GONE_LIMIT_MS = 60_000;
/** Kinds a release may leave behind. */
const KINDS =
  "pods,services,configmaps,jobs,cronjobs,networkpolicies,poddisruptionbudgets,roles,rolebindings,serviceaccounts";

export type Pod = {
  metadata: {
    name: string;
    uid: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string; uid: string }[];
  };
  spec: {
    serviceAccountName: string;
    automountServiceAccountToken?: boolean;
    containers: { name: string; env: { name: string; value?: string }[] }[];
  };
  status: {
    phase: string;
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
  const target = ["-n", namespace.name];
  await cluster.run(cluster.programs.helm, ["install", name, CHART, ...target, "-f", "-"], {
    input: JSON.stringify({
      image: cluster.sparkImage,
      driver: { memory: "700m" },
      executor: { memory: "700m" },
      startTimeout: "10m",
      ...values,
    }),
  });
  const selector = `app.kubernetes.io/instance=${name}`;
  const list = async <T>(kinds: string): Promise<T[]> =>
    (await cluster.get<{ items: T[] }>([...target, kinds, "-l", selector])).items;
  const release: Release = {
    name,
    pods: async (role) =>
      (await list<Pod>("pods")).filter(
        ({ metadata }) => role === undefined || metadata.labels["bulwark/role"] === role,
      ),
    async end() {
      await until(`the end of ${name}`, () => hasEnded(list), JOB_LIMIT_MS).catch(async (late: Error) => {
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
      const driver = (await release.pods("driver")).at(-1);
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
      await until(`nothing of ${name} to be left`, async () => (await release.left()).length === 0, GONE_LIMIT_MS);
    },
    left: async () =>
      (await list<{ kind: string; metadata: { name: string } }>(KINDS)).map(
        ({ kind, metadata }) => `${kind} ${metadata.name}`,
      ),
  };
  return release;
}

async function hasEnded(list: <T>(kinds: string) => Promise<T[]>): Promise<boolean> {
  type Job = { status: { conditions?: { type: string; status: string }[] } };
  const jobs = await list<Job>("jobs");
  return jobs.some(({ status }) =>
    status.conditions?.some((one) => ["Complete", "Failed"].includes(one.type) && one.status === "True"),
  );
}
