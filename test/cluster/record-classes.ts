// SPDX-License-Identifier: Apache-2.0
// Runs jobs by the chart on a node, and writes which classes their JVMs loaded: images/spark/classes.list.
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY, until } from "../e2e/harness.ts";
import type { Cluster, TestNamespace } from "./fixture/cluster.ts";

type Say = (line: string) => void;

const LIST = join(REPOSITORY, "images/spark/classes.list");
const ROLES = ["driver", "executor"] as const;
const JOB_LIMIT_MS = 300_000;
const HEADER = `# SPDX-License-Identifier: Apache-2.0
# Classes that drivers and executors load: npm run cluster -- record-classes. Do not edit.
`;

/** Records on a node that has the image; takes some minutes. */
export async function recordClasses(cluster: Cluster, say: Say): Promise<void> {
  const namespace = await cluster.makeNamespace("record");
  try {
    const { folder } = await cluster.makeVolume(namespace, "recorded");
    await makeSecret(cluster, namespace);
    const everything = await readFile(join(import.meta.dirname, "jobs/everything.py"), "utf8");
    const jobs: Readonly<Record<string, object>> = {
      pi: {},
      everything: { python: "everything.py", program: { "everything.py": everything }, args: ["/data/out"] },
    };
    const lines: string[] = [];
    for (const [name, job] of Object.entries(jobs)) {
      say(`Recording ${name} ...`);
      await runJob(cluster, namespace, name, job);
      for (const role of ROLES)
        lines.push(...(await readFile(join(folder, `${name}-${role}.list`), "utf8")).split("\n"));
    }
    const classes = mergeLists(lines);
    await writeFile(LIST, `${HEADER}${classes.join("\n")}\n`);
    say(`${classes.length} lines in ${LIST}`);
  } finally {
    await namespace.remove();
  }
}

async function makeSecret(cluster: Cluster, namespace: TestNamespace): Promise<void> {
  const metadata = { name: "spark-secret", namespace: namespace.name };
  const stringData = { secret: randomBytes(32).toString("hex") };
  await cluster.apply({ apiVersion: "v1", kind: "Secret", metadata, stringData });
}

async function runJob(cluster: Cluster, namespace: TestNamespace, name: string, job: object): Promise<void> {
  // Without the archive in use, every class is loaded in earnest and so recorded.
  const options = (role: string): string => `-Xshare:off -XX:DumpLoadedClassList=/data/${name}-${role}.list`;
  const values = {
    name,
    image: cluster.sparkImage,
    pvc: "recorded",
    executor: { instances: 1 },
    driver: { memory: "1g" },
    sparkConf: Object.fromEntries(ROLES.map((role) => [`spark.${role}.extraJavaOptions`, options(role)])),
    ...job,
  };
  const target = ["-n", namespace.name];
  const chart = join(REPOSITORY, "charts/spark-job");
  await cluster.run(cluster.programs.helm, ["install", name, chart, ...target, "-f", "-"], {
    input: JSON.stringify(values),
  });
  type Job = { status: { succeeded?: number; failed?: number } };
  await until(
    `the end of ${name}`,
    async () => {
      const { status } = await cluster.get<Job>([...target, "job", name]);
      if (status.failed) throw new Error(await cluster.kubectl([...target, "logs", `job/${name}`]));
      return status.succeeded === 1;
    },
    JOB_LIMIT_MS,
  );
  await cluster.run(cluster.programs.helm, ["uninstall", name, ...target]);
}

/**
 * One list for all JVMs. Left out is what an archive cannot hold: classes of a job's own loaders and hidden ones.
 * What the JVM writes after a name (`id: 7`) differs from run to run and says nothing.
 */
export function mergeLists(lines: readonly string[]): string[] {
  const names = lines
    .filter((line) => line !== "" && !line.startsWith("#") && !line.includes("source:") && !line.includes("0x"))
    .map((line) => (line.startsWith("@") ? line : line.replace(/ id: \d+.*$/, "")))
    .filter((line) => !/\$Proxy\d+$|^GeneratedClass|\$\$Lambda/.test(line));
  return [...new Set(names)].sort();
}
