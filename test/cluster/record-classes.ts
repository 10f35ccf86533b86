// SPDX-License-Identifier: Apache-2.0
// Runs jobs by the chart on a node, and writes which classes their JVMs loaded: images/spark/classes.list.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../../scripts/images/build.ts";
import { IMAGE_CACHE } from "../../scripts/images/folders.ts";
import { buildah } from "../../scripts/images/run.ts";
import { buildSparkImage } from "../../scripts/images/spark-image.ts";
import { inTurn, inWorkFolder } from "../../scripts/work-folder.ts";
import { makeHome, REPOSITORY } from "../e2e/harness.ts";
import { install } from "./chart/release.ts";
import { type Cluster, joinCluster, type TestNamespace } from "./fixture/cluster.ts";

type Say = (line: string) => void;

const LIST = join(REPOSITORY, "images/spark/classes.list");
const HEADER = `# SPDX-License-Identifier: Apache-2.0
# Classes that drivers and executors load: npm run cluster -- record-classes. Do not edit.
`;

/** Records on a node; takes some minutes. */
async function recordClasses(cluster: Cluster, image: Image, say: Say): Promise<void> {
  const recording = await inTurn(IMAGE_CACHE, say, () => loadRecordingImage(cluster, image));
  const namespace = await cluster.makeNamespace("record");
  try {
    const { folder } = await cluster.makeVolume(namespace, "recorded");
    await makeSecrets(cluster, namespace);
    const everything = await readFile(join(import.meta.dirname, "jobs/everything.py"), "utf8");
    const jobs: Readonly<Record<string, object>> = {
      pi: {},
      everything: { python: "everything.py", program: { "everything.py": everything }, args: ["/data/out"] },
    };
    for (const [name, job] of Object.entries(jobs)) {
      say(`Recording ${name} ...`);
      await runJob(cluster, namespace, name, { image: recording, ...job });
    }
    const lists = (await readdir(folder)).filter((name) => name.endsWith(".list"));
    const texts = await Promise.all(lists.map((name) => readFile(join(folder, name), "utf8")));
    const classes = mergeLists(texts.flatMap((text) => text.split("\n")));
    await writeFile(LIST, `${HEADER}${classes.join("\n")}\n`);
    say(`${classes.length} lines of ${lists.length} JVMs in ${LIST}`);
  } finally {
    await namespace.remove();
  }
}

/** The image with another entrypoint around its own: each JVM writes which classes it loads, named by its pod. */
async function loadRecordingImage(cluster: Cluster, { archive }: Image): Promise<string> {
  const name = "bulwark.local/spark-recording:1";
  await inWorkFolder(IMAGE_CACHE, async (work) => {
    const [made, file] = [join(work, "image.tar"), join(work, "Containerfile")];
    await writeFile(join(work, "record"), RECORD, { mode: 0o755 });
    const entrypoint = '["/usr/bin/tini", "--", "/opt/bulwark/bin/record"]';
    await writeFile(file, `FROM oci-archive:${archive}\nCOPY record /opt/bulwark/bin/\nENTRYPOINT ${entrypoint}\n`);
    await buildah("build", "--quiet", "--tag", name, "--file", file, work);
    await buildah("push", "--quiet", "--compression-format", "zstd", name, `oci-archive:${made}:${name}`);
    await buildah("rmi", name);
    await cluster.loadImage(made);
  });
  return name;
}

const RECORD = `#!/bin/sh
export JDK_JAVA_OPTIONS="-XX:DumpLoadedClassList=/data/$HOSTNAME.list"
exec /opt/bulwark/bin/entrypoint "$@"
`;

/** The Secrets that a job with all defaults mounts, made by the tool. */
async function makeSecrets(cluster: Cluster, namespace: TestNamespace): Promise<void> {
  const home = await makeHome();
  try {
    const { stdout } = await home.bulwark("keys", "export", "--kubernetes", "--namespace", namespace.name);
    await cluster.kubectl(["apply", "-f", "-"], { input: stdout });
  } finally {
    await home.remove();
  }
}

async function runJob(cluster: Cluster, namespace: TestNamespace, name: string, job: object): Promise<void> {
  const release = await install(cluster, namespace, name, { pvc: "recorded", executor: { instances: 1 }, ...job });
  const { exitCode, log } = await release.end();
  if (exitCode !== 0) throw new Error(`${name} ended with exit code ${exitCode}:\n${log}`);
  await release.uninstall();
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

if (import.meta.main) {
  const say: Say = (line) => void process.stderr.write(`${line}\n`);
  await recordClasses(await joinCluster(), await buildSparkImage({}, say), say);
}
