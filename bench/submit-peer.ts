// SPDX-License-Identifier: Apache-2.0
// Plain `spark-submit --deploy-mode cluster` on the same node with the same image and jars, and none of our protection:
// the peer of `submit`. Its containers are started as Spark's own entrypoint starts them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, joinCluster } from "../test/cluster/fixture/index.ts";
import { BULWARK, type Ground, prepareGround } from "./ground.ts";
import { time } from "./measure.ts";

/** Seconds from the command to the first executor registered with the driver, and to the line with the result. */
export type Marks = { firstExecutor: number; result: number };

/** A node with a namespace for each side: ours enforces "restricted", which plain pods do not satisfy. */
export type Node = { cluster: Cluster; ground: Ground; ours: string; peers: string };

const LOOK_MS = 100;
/** Of many jobs at once most wait for room. */
const LIMIT_MS = 1_800_000;
const ACCOUNT = "spark";
const AUTHORITY = "api-server-ca.pem";
const REGISTERED = /Registering block manager (?!.*BlockManagerId\(driver)/;
const RESULT = /Pi is roughly/;
export const SIZE = { memory: "512m", executors: 2 } as const;

/** Joins the node in whose network this runs, makes both namespaces, and takes them away when `use` is done or fails. */
export async function onNode<Result>(use: (node: Node) => Promise<Result>): Promise<Result> {
  const cluster = await joinCluster();
  const ground = await prepareGround();
  const namespace = await cluster.makeNamespace("bench-ours");
  const peers = `${namespace.name}-peer`;
  try {
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: peers } });
    await cluster.kubectl(["create", "serviceaccount", ACCOUNT, "-n", peers]);
    // As Spark's documentation has it, within the namespace.
    const binding = ["--clusterrole=edit", `--serviceaccount=${peers}:${ACCOUNT}`, "-n", peers];
    await cluster.kubectl(["create", "rolebinding", ACCOUNT, ...binding]);
    const { clusters } = JSON.parse(readFileSync(cluster.kubeconfig, "utf8"));
    writeFileSync(
      join(ground.folder, AUTHORITY),
      Buffer.from(clusters[0].cluster["certificate-authority-data"], "base64"),
    );
    return await use({ cluster, ground, ours: namespace.name, peers });
  } finally {
    await cluster.kubectl(["delete", "namespace", peers, "--ignore-not-found", "--wait=true", "--timeout=120s"]);
    await namespace.remove();
  }
}

/**
 * Looks at the log of the driver until it has told both marks; both sides are looked at in the same way.
 *
 * @param selector labels of the driver's pod
 */
async function awaitMarks({ api }: Cluster, namespace: string, selector: string, began: number): Promise<Marks> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const list = `${pods}?labelSelector=${encodeURIComponent(selector)}`;
  let firstExecutor = Number.NaN;
  let log = "";
  for (const limit = began + LIMIT_MS; performance.now() < limit; await delay(LOOK_MS)) {
    const { items } = await api.read<{ items: { metadata: { name: string }; status: { phase: string } }[] }>(list);
    const [driver] = items;
    if (driver !== undefined) log = await api.readText(`${pods}/${driver.metadata.name}/log`).catch(() => "");
    const seconds = (performance.now() - began) / 1000;
    if (Number.isNaN(firstExecutor) && REGISTERED.test(log)) firstExecutor = seconds;
    if (RESULT.test(log)) return { firstExecutor, result: seconds };
    if (driver?.status.phase === "Failed") throw new Error(`${selector} failed: ${log.slice(-2000)}`);
  }
  throw new Error(`${selector} had no result after ${LIMIT_MS / 1000} s: ${log.slice(-2000)}`);
}

/** One job by `bulwark submit`, to its marks; then it is deleted. */
export async function securedSubmit({ cluster, ground, ours }: Node, name: string, partitions: string): Promise<Marks> {
  const file = join(ground.folder, `${name}.yaml`);
  const { memory, executors } = SIZE;
  const size = { driver: { memory }, executor: { memory, instances: executors } };
  writeFileSync(
    file,
    JSON.stringify({ name, image: cluster.sparkImage, args: [partitions], startTimeout: "30m", ...size }),
  );
  const began = performance.now();
  const submitted = time(BULWARK, ["submit", "-f", file, "-n", ours, "--quiet"], { env: cluster.env });
  const driver = `app.kubernetes.io/instance=${name},bulwark/role=driver`;
  const [marks] = await Promise.all([awaitMarks(cluster, ours, driver, began), submitted]);
  await time(BULWARK, ["delete", name, "-n", ours, "--quiet"], { env: cluster.env });
  return marks;
}

/** The same job by Spark's own launcher; then its driver is deleted, and executors go with it. */
export async function plainSubmit({ cluster, ground, peers }: Node, name: string, partitions: string): Promise<Marks> {
  const { memory, executors } = SIZE;
  const settings = {
    "spark.kubernetes.namespace": peers,
    // Spark's client cannot read the administrator's key: it is no RSA key.
    "spark.kubernetes.authenticate.submission.oauthToken": (
      await cluster.kubectl(["create", "token", ACCOUNT, "-n", peers])
    ).trim(),
    "spark.kubernetes.authenticate.submission.caCertFile": join(ground.folder, AUTHORITY),
    "spark.kubernetes.container.image": cluster.sparkImage,
    "spark.kubernetes.authenticate.driver.serviceAccountName": ACCOUNT,
    "spark.kubernetes.driver.pod.name": name,
    "spark.kubernetes.driver.podTemplateFile": writeTemplate(ground.folder, "driver", DRIVER),
    "spark.kubernetes.executor.podTemplateFile": writeTemplate(ground.folder, "executor", EXECUTOR),
    "spark.kubernetes.submission.waitAppCompletion": "false",
    "spark.executor.instances": String(executors),
    "spark.driver.memory": memory,
    "spark.executor.memory": memory,
  };
  const conf = Object.entries(settings).flatMap(([key, value]) => ["--conf", `${key}=${value}`]);
  const master = ["--master", "k8s://https://127.0.0.1:6443", "--deploy-mode", "cluster", "--name", name];
  const program = ["--class", "bulwark.examples.SparkPi", "local:///opt/bulwark/bulwark.jar", partitions];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    JAVA_HOME: ground.java.home,
    SPARK_HOME: ground.spark.home,
  };
  const began = performance.now();
  const submit = join(ground.spark.home, "bin", "spark-submit");
  const submitted = time(submit, [...master, ...conf, ...program], { env, cwd: ground.folder });
  const [marks] = await Promise.all([awaitMarks(cluster, peers, `spark-app-name=${name}`, began), submitted]);
  await cluster.kubectl(["delete", "pod", name, "-n", peers, "--wait=true"]);
  return marks;
}

const JAVA = "exec java -cp '/opt/spark/jars/*'";
/** What Spark's own entrypoint does for each role (kubernetes/dockerfiles/spark/entrypoint.sh), without its image. */
const DRIVER = `shift; ${JAVA} -Xmx${SIZE.memory} org.apache.spark.deploy.SparkSubmit --conf spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS --deploy-mode client "$@"`;
const EXECUTOR = `${JAVA} $(env | sed -n 's/^SPARK_JAVA_OPT_[0-9]*=//p' | tr '\\n' ' ') -Xms$SPARK_EXECUTOR_MEMORY -Xmx$SPARK_EXECUTOR_MEMORY org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url $SPARK_DRIVER_URL --executor-id $SPARK_EXECUTOR_ID --cores $SPARK_EXECUTOR_CORES --app-id $SPARK_APPLICATION_ID --hostname $SPARK_EXECUTOR_POD_IP --resourceProfileId $SPARK_RESOURCE_PROFILE_ID --podName $SPARK_EXECUTOR_POD_NAME`;

function writeTemplate(folder: string, role: string, script: string): string {
  const file = join(folder, `plain-${role}.json`);
  // Spark's own images work in a folder that they may write to: executors put the application's jars there.
  const container = { name: `plain-${role}`, workingDir: "/tmp", command: ["/bin/sh", "-c", script, role] };
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", spec: { containers: [container] } }));
  return file;
}
