// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, enclaveBytes, type JobFile } from "@bulwark/contracts";
import { sparkJavaOptions } from "../java-options.ts";
import { CHANNEL, CREDENTIALS, SCRATCH } from "../profiles.ts";
import { formatToml, type TomlValue } from "./toml.ts";

export type EnclaveRole = "driver" | "executor";

/** What an enclave is made from. The same input gives the same manifest, and so the same measurement. */
export type ManifestInput = {
  role: EnclaveRole;
  job: JobFile;
  java: { executable: string; major: number };
  /** Jars in order, as the image has them. */
  classPath: readonly string[];
  /** What follows the main class of a driver: arguments of spark-submit as the chart renders them. */
  submitArguments: readonly string[];
  /** Folders (with a `/` at the end) and files of the image that may be read; `gramine-sgx-sign` hashes what is there. */
  imageFiles: readonly string[];
  /** Files that are mounted into the pod, with their SHA-256: settings and program. */
  mountedFiles: readonly { path: string; sha256: string }[];
  identity: { product: number; version: number };
};

/** Files of the image that a job names: its program and what goes with it. */
export function listProgramFiles({ jar, python, jars, pyFiles, files }: JobFile): string[] {
  const named = [jar, python, ...jars, ...pyFiles, ...files].filter((path) => path !== undefined);
  return [...new Set(named.map((path) => path.replace(/^local:\/\//, "")).filter((path) => path.startsWith("/")))];
}

/** A JVM starts far more threads than it has cores; a driver of many executors needs most of these. */
const THREADS = 512;
const MAIN: Readonly<Record<EnclaveRole, string>> = {
  driver: "bulwark.launch.KubernetesDriverMain",
  executor: "bulwark.launch.KubernetesExecutorMain",
};

/**
 * Variables that differ from pod to pod and so cannot be measured. Each is a name, an address or a number; no program, no
 * path and no setting is taken from outside.
 */
const FROM_OUTSIDE: Readonly<Record<EnclaveRole, readonly string[]>> = {
  driver: [
    "BULWARK_POD_NAME",
    "BULWARK_POD_UID",
    "BULWARK_POD_IP",
    "BULWARK_NAMESPACE",
    "BULWARK_IMAGE",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT_HTTPS",
  ],
  executor: [
    "BULWARK_POD_NAME",
    "SPARK_DRIVER_URL",
    "SPARK_EXECUTOR_ID",
    "SPARK_EXECUTOR_CORES",
    "SPARK_APPLICATION_ID",
    "SPARK_EXECUTOR_POD_IP",
    "SPARK_EXECUTOR_POD_NAME",
    "SPARK_RESOURCE_PROFILE_ID",
  ],
};

/**
 * What the host may change, since it differs from pod to pod or is made by the job: never code and never settings. Data
 * there is encrypted and authenticated by the job's own keys; secrets prove themselves by what they open.
 */
const UNMEASURED = [
  "file:/etc/bulwark/secrets/",
  "file:/var/run/secrets/kubernetes.io/serviceaccount/",
  "file:/data/",
  "file:/var/bulwark/eventlog/",
];

/**
 * The Gramine manifest of one role of a job (Gramine's manifest syntax, 1.8 and later): program, main class, arguments
 * and settings are part of the measurement; nothing is taken from the host's environment; a file that was not measured is
 * refused. Scratch files are encrypted under a key of this very enclave.
 *
 * @throws BulwarkError JOB_CONFLICT for a job that is not for SGX; Error when the JVM's options are not among the mounted files
 */
export function renderManifest(input: ManifestInput): string {
  const { job, role } = input;
  if (job.trust.tee !== "sgx") {
    const message = `trust.tee is ${job.trust.tee}; a manifest is for enclaves.`;
    throw new BulwarkError("JOB_CONFLICT", message, "set trust.tee: sgx");
  }
  if (!input.mountedFiles.some(({ path }) => path === optionsOf(role)))
    throw new Error(`${optionsOf(role)} is not mounted`);
  return formatToml({
    "libos.entrypoint": input.java.executable,
    "loader.log_level": job.trust.sgxLog,
    "loader.argv": argumentsOf(input),
    "loader.uid": 185,
    "loader.gid": 185,
    ...environmentOf(input),
    "sys.enable_sigterm_injection": true,
    "sys.enable_extra_runtime_domain_names_conf": true,
    "fs.mounts": mountsOf(input),
    "sgx.debug": false,
    "sgx.remote_attestation": "dcap",
    "sgx.enclave_size": showSize(enclaveBytes(job, role)),
    "sgx.max_threads": THREADS,
    "sgx.use_exinfo": true,
    "sgx.isvprodid": input.identity.product,
    "sgx.isvsvn": input.identity.version,
    "sgx.file_check_mode": "strict",
    "sgx.trusted_files": [
      ...input.imageFiles.map((path) => `file:${path}`),
      ...input.mountedFiles.map(({ path, sha256 }) => ({ uri: `file:${path}`, sha256 })),
    ],
    "sgx.allowed_files": UNMEASURED,
  });
}

const optionsOf = (role: EnclaveRole): string => `/etc/bulwark/conf/${role}.jvm`;

function argumentsOf({ role, job, java, classPath, submitArguments }: ManifestInput): string[] {
  const startup = role === "driver" ? {} : { ...CHANNEL[job.security.profile], ...SCRATCH, ...CREDENTIALS };
  return [
    java.executable,
    ...sparkJavaOptions(java.major),
    `-Xmx${job[role].memory.toLowerCase()}`,
    // Options of the job and of the chart, one a line: a mounted file, so measured with its content.
    `@${optionsOf(role)}`,
    // Executors need these before they can ask the driver; elsewhere they come by the environment.
    ...Object.entries(startup).map(([name, value]) => `-D${name}=${value}`),
    "-cp",
    classPath.join(":"),
    MAIN[role],
    ...(role === "driver" ? submitArguments : []),
  ];
}

function environmentOf({ role, job }: ManifestInput): Record<string, TomlValue> {
  const measured = {
    ...job[role].env,
    HOME: "/tmp",
    TMPDIR: "/tmp",
    PATH: "/usr/bin:/bin",
    LD_LIBRARY_PATH: "/lib:/usr/lib",
    SPARK_HOME: "/opt/spark",
    SPARK_CONF_DIR: "/etc/bulwark/conf",
    SPARK_LOCAL_DIRS: "/var/bulwark/scratch",
    PYTHONPATH: "/opt/spark/python",
    MALLOC_ARENA_MAX: "4",
    BULWARK_TEE: "sgx",
  };
  return Object.fromEntries([
    ...Object.entries(measured).map(([name, value]) => [`loader.env.${name}`, String(value)]),
    ...FROM_OUTSIDE[role].map((name) => [`loader.env.${name}`, { passthrough: true }]),
  ]);
}

function mountsOf({ imageFiles, mountedFiles }: ManifestInput): TomlValue[] {
  const folders = imageFiles.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
  const single = imageFiles.filter((path) => !path.endsWith("/"));
  const known = [...folders, ...single, ...mountedFiles.map(({ path }) => path), ...UNMEASURED.map(toPath)];
  return [
    ...known.map((path) => ({ path, uri: `file:${path}` })),
    { type: "tmpfs", path: "/tmp" },
    { type: "encrypted", path: "/var/bulwark/scratch", uri: "file:/var/bulwark/scratch", key_name: "_sgx_mrenclave" },
  ];
}

const toPath = (uri: string): string => uri.replace(/^file:/, "").replace(/\/$/, "");

const showSize = (bytes: number): string => (bytes % 2 ** 30 === 0 ? `${bytes / 2 ** 30}G` : `${bytes / 2 ** 20}M`);
