// SPDX-License-Identifier: Apache-2.0
// The Spark image: what must run in it, what it must not hold, and that it is the same twice.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { matches, readLeftOut } from "../../scripts/images/left-out.ts";
import { findSources } from "../../scripts/images/spark-files.ts";
import { buildSparkImage } from "../../scripts/images/spark-image.ts";
import { type Cluster, joinCluster, type TestNamespace } from "./fixture/index.ts";
import { listLastFiles, listLayers } from "./fixture/layers.ts";
import { type PodWish, runPod } from "./fixture/run-pod.ts";

/** See images/README.md. */
const BUDGET_BYTES = 450e6;
const SPARK_SUBMIT = "org.apache.spark.deploy.SparkSubmit";
const SPARK_PI = [
  ...["run", SPARK_SUBMIT, "--master", "local[2]"],
  ...["--class", "bulwark.examples.SparkPi", "local:///opt/bulwark/bulwark.jar"],
];

let cluster: Cluster;
let namespace: TestNamespace;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("image");
});
after(() => namespace?.remove());

const run = (wish: Omit<PodWish, "image">) => runPod(cluster, namespace, { image: cluster.sparkImage, ...wish });

/** Makes a ConfigMap of one file. */
async function makeConfigMap(name: string, file: string, text: string): Promise<void> {
  const metadata = { name, namespace: namespace.name };
  await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { [file]: text } });
}

test("Spark-Pi runs as a plain restricted pod", async () => {
  const { log, exitCode } = await run({
    name: "pi",
    args: SPARK_PI,
    env: { BULWARK_DRIVER_MEMORY: "600m" },
  });
  assert.match(log, /Pi is roughly 3\.1/);
  assert.equal(exitCode, 0);
});

test("what jobs use of Spark works without the jars that are left out", async () => {
  await makeConfigMap("program", "job.py", await readFile(join(import.meta.dirname, "jobs/everything.py"), "utf8"));
  const settings = ["--conf", "spark.ui.enabled=false", "--conf", "spark.sql.shuffle.partitions=2"];
  const program = ["/opt/bulwark/program/job.py", "/var/bulwark/scratch/out"];
  const { log, exitCode } = await run({
    name: "everything",
    args: ["run", SPARK_SUBMIT, "--master", "local[2]", ...settings, ...program],
    env: { BULWARK_DRIVER_MEMORY: "1g" },
    mounts: { "/opt/bulwark/program": "program" },
    memory: "2560Mi",
  });
  assert.match(log, /everything works/);
  assert.equal(exitCode, 0);
});

test("every pattern of what is left out fits a jar of this Spark", async () => {
  const { spark } = await findSources([], "3.11", () => undefined);
  const names = spark.jars.map((path) => basename(path));
  const patterns = (await readLeftOut()).flatMap((group) => group.patterns);
  assert.deepEqual(
    patterns.filter((pattern) => !names.some((name) => matches(name, pattern))),
    [],
  );
});

test("the archive of classes is used, and one that does not fit would be noticed", async () => {
  // With -Xshare:on a JVM that cannot map its archive does not start.
  await makeConfigMap("strict", "java.options", "-Xshare:on\n");
  const strict = {
    args: ["run", SPARK_SUBMIT, "--version"],
    env: { BULWARK_JAVA_OPTIONS_FILE: "/etc/bulwark/conf/java.options" },
    mounts: { "/etc/bulwark/conf": "strict" },
  };
  assert.equal((await run({ name: "archive", ...strict })).exitCode, 0);
  await makeConfigMap("other", "java.options", "-Xshare:on\n-cp\n/opt/spark/jars/spark-core_2.13-4.3.0.jar\n");
  const other = { ...strict, mounts: { "/etc/bulwark/conf": "other" } };
  assert.notEqual((await run({ name: "archive-other", ...other })).exitCode, 0);
});

test("of the classes of a job, few are read from jars", async (context) => {
  await makeConfigMap("told", "java.options", "-Xlog:class+load:stdout\n");
  const { log, exitCode } = await run({
    name: "told",
    args: SPARK_PI,
    env: { BULWARK_DRIVER_MEMORY: "600m", BULWARK_JAVA_OPTIONS_FILE: "/etc/bulwark/conf/java.options" },
    mounts: { "/etc/bulwark/conf": "told" },
  });
  assert.equal(exitCode, 0);
  const archived = log.match(/\[class,load\] .* source: shared objects file/g)?.length ?? 0;
  const read = log.match(/\[class,load\] .* source: (jrt|file|jar):/g)?.length ?? 0;
  context.diagnostic(`${archived} classes from the archive, ${read} from jars`);
  assert.ok(archived > 0 && read < archived / 10, `${read} of ${archived + read}`);
});

test("options keep their blanks, in order, and class path entries are added to the end", async () => {
  const { log, exitCode } = await run({
    name: "options",
    command: ["/usr/bin/python3", "-c", READ_COMMAND_LINE],
    env: {
      ...{ SPARK_JAVA_OPT_0: "-Dfirst=a b", SPARK_JAVA_OPT_1: "-Dsecond='c'", SPARK_JAVA_OPT_10: "-Dlost=1" },
      ...{ SPARK_EXECUTOR_MEMORY: "64m", SPARK_DRIVER_URL: "spark://d:1", SPARK_EXECUTOR_ID: "7" },
      ...{ SPARK_EXECUTOR_CORES: "1", SPARK_APPLICATION_ID: "app", SPARK_EXECUTOR_POD_IP: "10.0.0.1" },
      ...{ SPARK_RESOURCE_PROFILE_ID: "0", SPARK_EXECUTOR_POD_NAME: "pod", SPARK_CLASSPATH: "/data/extra.jar" },
    },
  });
  assert.equal(exitCode, 0);
  const line: string[] = JSON.parse(log);
  const from = line.indexOf("-Dfirst=a b");
  assert.deepEqual(line.slice(from, from + 5), [
    ...["-Dfirst=a b", "-Dsecond='c'", "-Xms64m", "-Xmx64m", "bulwark.launch.KubernetesExecutorMain"],
  ]);
  assert.match(line[line.indexOf("-cp") + 1] ?? "", /^\/opt\/bulwark\/bulwark\.jar:.*:\/data\/extra\.jar$/);
  assert.ok(!line.includes("-Dlost=1"));
});

/** Puts a program called java first in PATH, which prints its arguments, and becomes the entrypoint. */
const READ_COMMAND_LINE = `
import os
with open("/tmp/java", "w") as file:
    file.write("#!/usr/bin/python3\\nimport json, sys\\nprint(json.dumps(sys.argv[1:]))\\n")
os.chmod("/tmp/java", 0o755)
os.environ["PATH"] = "/tmp:" + os.environ["PATH"]
os.execv("/opt/bulwark/bin/entrypoint", ["entrypoint", "executor"])
`;

test("a pod finds Services by name, and nothing outside", async () => {
  const program = `
import socket
address = socket.getaddrinfo("kubernetes.default.svc", 443)[0][4][0]
socket.create_connection((address, 443), 5).close()
print(address)
try:
    socket.create_connection(("192.0.2.1", 80), 3)
except OSError as error:
    print("outside:", type(error).__name__)
`;
  const { log, exitCode } = await run({ name: "names", command: ["/usr/bin/python3", "-c", program] });
  assert.equal(exitCode, 0, log);
  assert.match(log, /^10\.96\.0\.1\noutside: (OSError|TimeoutError)/);
});

test("it holds no more than it should, and nobody but root may change it", async () => {
  const program = `
import os, stat
for folder, _, names in os.walk("/opt"):
    for path in [folder] + [os.path.join(folder, name) for name in names]:
        found = os.lstat(path)
        assert found.st_uid == 0 and not found.st_mode & (stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID), path
print(os.getuid(), os.getgid(), os.path.expanduser("~"))
`;
  const { log, exitCode } = await run({ name: "files", command: ["/usr/bin/python3", "-c", program] });
  assert.equal(exitCode, 0, log);
  assert.equal(log.trim(), "185 185 /opt/bulwark/home");
  const { size } = await stat((await buildSparkImage({}, () => undefined)).archive);
  assert.ok(size < BUDGET_BYTES, `${Math.round(size / 1e6)} MB`);
});

test("a second build, from nothing, is the same, but for the archive of classes", { timeout: 300_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-image-"));
  try {
    const first = await buildSparkImage({}, () => undefined);
    const second = await buildSparkImage({ to: join(folder, "second.tar") }, () => undefined);
    assert.equal(second.name, first.name);
    const [before, after] = [await listLayers(first.archive), await listLayers(second.archive)];
    assert.equal(after.length, before.length);
    assert.deepEqual(after.slice(0, -1), before.slice(0, -1));
    for (const { archive } of [first, second])
      assert.deepEqual(await listLastFiles(archive), ["opt/bulwark/spark.jsa"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
