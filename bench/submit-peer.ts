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
const LIMIT_MS = 300_000;
const ACCOUNT = "spark";
const AUTHORITY = "api-server-ca.pem";
const REGISTERED = /Registering block manager (?!.*BlockManagerId\(driver)/;
const RESULT = /Pi is roughly/;
export const SIZE = { memory: "512m", executors: 2 } as const;

/** Joins the node in whose network this runs, and makes both namespaces; `remove` takes them away. */
export async function prepareNode(): Promise<Node & { remove: () => Promise<void> }> {
  const cluster = await joinCluster();
  const ground = await prepareGround();
  const namespace = await cluster.makeNamespace("bench-ours");
  const peers = `${namespace.name}-peer`;
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
  return {
    cluster,
    ground,
    ours: namespace.name,
    peers,
    async remove() {
      await namespace.remove();
      await cluster.kubectl(["delete", "namespace", peers, "--wait=true"]);
    },
  };
}

/** Looks at the log of the driver until a line is there; both sides are looked at in the same way. */
async function awaitLine(cluster: Cluster, driver: readonly string[], line: RegExp, began: number): Promise<number> {
  for (const limit = began + LIMIT_MS; performance.now() < limit; await delay(LOOK_MS)) {
    const log = await cluster.kubectl(["logs", "--tail=-1", ...driver]).catch(() => "");
    if (line.test(log)) return (performance.now() - began) / 1000;
  }
  throw new Error(`${driver.join(" ")} never said ${line}`);
}

async function awaitMarks(cluster: Cluster, driver: readonly string[], began: number): Promise<Marks> {
  const [firstExecutor, result] = await Promise.all(
    [REGISTERED, RESULT].map((line) => awaitLine(cluster, driver, line, began)),
  );
  return { firstExecutor: firstExecutor ?? Number.NaN, result: result ?? Number.NaN };
}

/** One job by `bulwark submit`, to its marks; then it is deleted. */
export async function securedSubmit({ cluster, ground, ours }: Node, name: string, partitions: string): Promise<Marks> {
  const file = join(ground.folder, `${name}.yaml`);
  const { memory, executors } = SIZE;
  const size = { driver: { memory }, executor: { memory, instances: executors } };
  writeFileSync(file, JSON.stringify({ name, image: cluster.sparkImage, args: [partitions], ...size }));
  const began = performance.now();
  const submitted = time(BULWARK, ["submit", "-f", file, "-n", ours, "--quiet"], { env: cluster.env });
  const driver = ["-l", `app.kubernetes.io/instance=${name},bulwark/role=driver`, "-n", ours];
  const [marks] = await Promise.all([awaitMarks(cluster, driver, began), submitted]);
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
  const [marks] = await Promise.all([awaitMarks(cluster, [name, "-n", peers], began), submitted]);
  await cluster.kubectl(["delete", "pod", name, "-n", peers, "--wait=true"]);
  return marks;
}

const JAVA = "exec java -cp '/opt/spark/jars/*'";
/** What Spark's own entrypoint does for each role (kubernetes/dockerfiles/spark/entrypoint.sh), without its image. */
const DRIVER = `shift; cd /tmp; ${JAVA} -Xmx${SIZE.memory} org.apache.spark.deploy.SparkSubmit --conf spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS --deploy-mode client "$@"`;
const EXECUTOR = `${JAVA} $(env | sed -n 's/^SPARK_JAVA_OPT_[0-9]*=//p' | tr '\\n' ' ') -Xms$SPARK_EXECUTOR_MEMORY -Xmx$SPARK_EXECUTOR_MEMORY org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url $SPARK_DRIVER_URL --executor-id $SPARK_EXECUTOR_ID --cores $SPARK_EXECUTOR_CORES --app-id $SPARK_APPLICATION_ID --hostname $SPARK_EXECUTOR_POD_IP --resourceProfileId $SPARK_RESOURCE_PROFILE_ID --podName $SPARK_EXECUTOR_POD_NAME`;

function writeTemplate(folder: string, role: string, script: string): string {
  const file = join(folder, `plain-${role}.json`);
  const container = { name: `plain-${role}`, command: ["/bin/sh", "-c", script, role] };
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", spec: { containers: [container] } }));
  return file;
}
