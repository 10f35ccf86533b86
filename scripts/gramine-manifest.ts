// SPDX-License-Identifier: Apache-2.0
// Writes the Gramine manifest of one role of a job. It reads what `helm template` rendered, so that exactly the mounted
// settings and program are measured.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parseAllDocuments } from "yaml";
import { parseJobFile } from "../packages/contracts/src/index.ts";
import { type EnclaveRole, listProgramFiles, renderManifest } from "../packages/spark/src/index.ts";

const EXIT_USAGE = 2;
const EXIT_INVALID = 3;
const USAGE = `node scripts/gramine-manifest.ts JOB.yaml RENDERED.yaml --role driver|executor --class-path FILE [OPTIONS] > ROLE.manifest
  RENDERED.yaml       helm template NAME charts/spark-job -n NAMESPACE -f JOB.yaml
  --class-path FILE   a copy of the image's /opt/bulwark/classpath: jars with colons between them
  --java PATH         Java in the image (/usr/bin/java), --java-major 17
  --read PATH         a folder (with / at the end) or file of the image to trust; again for each
  --product N --version N   identity of the enclave (isvprodid, isvsvn)`;
/** What a JVM, Python and the job need of the image. */
const IMAGE_FILES = [
  "/opt/bulwark/",
  "/opt/spark/",
  "/usr/lib/",
  "/lib/",
  "/lib64/",
  "/usr/bin/",
  "/etc/passwd",
  "/etc/ssl/",
];
const MOUNTS: Readonly<Record<string, string>> = { conf: "/etc/bulwark/conf", program: "/opt/bulwark/program" };

// biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes as they were rendered
type Rendered = any;

const text = { type: "string" } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    role: text,
    "class-path": text,
    java: { ...text, default: "/usr/bin/java" },
    "java-major": { ...text, default: "17" },
    read: { ...text, multiple: true, default: [] },
    product: { ...text, default: "1" },
    version: { ...text, default: "1" },
  },
});

/** Every file that the rendered release mounts into a role's pod, with its digest. */
function listMounted(objects: readonly Rendered[], spec: Rendered): { path: string; sha256: string }[] {
  const volumes = spec.volumes.filter((volume: Rendered) => volume.configMap && MOUNTS[volume.name] !== undefined);
  return volumes.flatMap(({ name, configMap }: Rendered) => {
    const found = objects.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === configMap.name);
    const files = Object.entries<string>(found?.data ?? {});
    const wanted = configMap.items?.map(({ key }: Rendered) => key) ?? files.map(([file]) => file);
    const binary = Object.entries<string>(found?.binaryData ?? {});
    const contents: [string, Buffer][] = [
      ...files.map(([file, content]): [string, Buffer] => [file, Buffer.from(content)]),
      ...binary.map(([file, content]): [string, Buffer] => [file, Buffer.from(content, "base64")]),
    ];
    return contents
      .filter(([file]) => wanted.includes(file) || configMap.items === undefined)
      .map(([file, content]) => ({
        path: `${MOUNTS[name]}/${file}`,
        sha256: createHash("sha256").update(content).digest("hex"),
      }));
  });
}

/** The pod of a role: the Job's own, or the template that Spark gets. */
function findPod(objects: readonly Rendered[], role: EnclaveRole): Rendered {
  const job =
    objects.find(({ kind }) => kind === "Job") ?? objects.find(({ kind }) => kind === "CronJob")?.spec.jobTemplate;
  const pod = job?.spec.template;
  if (role === "driver" && pod?.metadata.labels["bulwark/role"] === "driver") return pod;
  const conf = objects.find(({ kind, data }) => kind === "ConfigMap" && data?.["executor.yaml"] !== undefined);
  return JSON.parse(conf.data[`${role}.yaml`]);
}

async function main(): Promise<number> {
  const [jobFile = "", renderedFile = ""] = positionals;
  const role = values.role as EnclaveRole | undefined;
  const classPathFile = values["class-path"] ?? "";
  if (renderedFile === "" || classPathFile === "" || (role !== "driver" && role !== "executor")) {
    process.stderr.write(`${USAGE}\n`);
    return EXIT_USAGE;
  }
  const { job } = parseJobFile(await readFile(jobFile), { file: jobFile, target: "cluster" });
  const objects: Rendered[] = parseAllDocuments(await readFile(renderedFile, "utf8"))
    .map((document) => document.toJS())
    .filter((object) => object !== null);
  const { spec } = findPod(objects, role);
  const [, ...submitArguments] = role === "driver" ? spec.containers[0].args : [""];
  const classPath = await readFile(classPathFile, "utf8");
  const named = listProgramFiles(job).filter((path) => !IMAGE_FILES.some((folder) => path.startsWith(folder)));
  process.stdout.write(
    renderManifest({
      role,
      job,
      java: { executable: values.java, major: Number(values["java-major"]) },
      classPath: classPath.trim().split(":"),
      submitArguments,
      imageFiles: [...IMAGE_FILES, ...named, ...values.read],
      mountedFiles: listMounted(objects, spec),
      identity: { product: Number(values.product), version: Number(values.version) },
    }),
  );
  return 0;
}

process.exitCode = await main().catch((error: Error & { findings?: { message: string; mend: string }[] }) => {
  const lines = error.findings?.map(({ message, mend }) => `  ${message}\n  -> ${mend}`) ?? [];
  process.stderr.write(`${[error.message, ...lines].join("\n")}\n`);
  return EXIT_INVALID;
});
