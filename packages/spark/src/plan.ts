// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BulwarkError, type JobFile } from "@bulwark/contracts";
import { dataProperties, namedKeys, type PlannedDataset, planDatasets, substituteArguments } from "./datasets.ts";
import { ivySettings } from "./ivy-settings.ts";
import { executorDefaults, sparkJavaOptions, splitOptions } from "./java-options.ts";
import { loggingConfiguration } from "./logging.ts";
import {
  CREDENTIALS,
  channelProperties,
  channelSecrets,
  REDACTION,
  SCRATCH,
  type StorePaths,
  uiProperties,
  uiSecrets,
} from "./profiles.ts";
import { formatProperties, type Properties } from "./properties-file.ts";

/** Folders of one run. All of them are 0700 and belong to this run alone. */
export type RunFolders = {
  run: string;
  conf: string;
  secrets: string;
  logs: string;
  /** Scratch space of Spark, temporary files; removed at the end. */
  work: string;
  eventLog: string;
};

/** What a plan is made from. Nothing is looked up: the same input gives the same plan. */
export type PlanInput = {
  job: JobFile;
  runId: string;
  /** Relative paths in the job file start here. */
  baseFolder: string;
  folders: RunFolders;
  java: { executable: string; major: number };
  spark: { home: string; python: string };
  /** Jars in order, ours first. */
  classPath: readonly string[];
  /** Further JVM options by role, for instance class-data archives. */
  jvmOptions: { driver: readonly string[]; executor: readonly string[] };
  keys: { server: StorePaths; driver: StorePaths; executor: StorePaths; storePassword: string };
  /** Fresh for this run: the authentication secret and the token of the UI. */
  authenticationSecret: string;
  uiToken: string;
  /** Selected master keys as the JVM reads them, or undefined when the job names none. */
  keyring: string | undefined;
  /** Variables every process gets (PATH, HOME, LANG): never the whole environment of the user. */
  environment: Readonly<Record<string, string>>;
};

export type ProcessPlan = {
  executable: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
};

export type PlannedFile = { path: string; mode: number; content: string };

/** Everything the runner does, as data. */
export type RunPlan = {
  files: readonly PlannedFile[];
  driver: ProcessPlan;
  executor: (number: number) => ProcessPlan;
  executors: number;
  datasets: readonly PlannedDataset[];
  /** Settings that must be seen in the running application, or the run is stopped. */
  required: Properties;
  applicationId: string;
  /**
   * `events`: what the driver reports. `driverUrl`: where executors read the driver's address. `release`: the driver
   * runs no task until this file is there.
   */
  paths: { events: string; driverUrl: string; release: string };
};

const LOOPBACK = "127.0.0.1";
const OWNER_ONLY = 0o600;
const OWNER_EXECUTES = 0o700;
const IVY_SETTINGS = "ivysettings.xml";
const MASTER = "spark-bulwark://local";

/** Turns a job file into the processes, files and settings of one run on this machine. Pure. */
export function planRun(input: PlanInput): RunPlan {
  const { job, folders } = input;
  const datasets = planDatasets(job, input.baseFolder, input.runId);
  const paths = {
    events: join(folders.run, "events.jsonl"),
    driverUrl: join(folders.work, "driver.url"),
    release: join(folders.work, "released"),
  };
  const required: Properties = {
    ...channelProperties(job.security.profile, input.keys.driver),
    ...SCRATCH,
    ...CREDENTIALS,
    ...uiProperties(input.keys.server),
    ...dataProperties(datasets),
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
  };
  // The user's settings come first, so that ours hold whatever was written there.
  const properties: Properties = {
    ...userProperties(job),
    ...sizeProperties(job),
    ...required,
    // Spark redacts this one too, so it cannot be seen from outside.
    ...REDACTION,
    ...runProperties(input, paths),
  };
  return {
    files: planFiles(input, properties),
    driver: planDriver(input, datasets, paths.events),
    executor: (number) => planExecutor(input, number, paths.driverUrl),
    executors: job.executor.instances,
    datasets,
    required,
    applicationId: input.runId,
    paths,
  };
}

function userProperties(job: JobFile): Properties {
  return Object.fromEntries(Object.entries(job.sparkConf).map(([key, value]) => [key.trim(), String(value)]));
}

function sizeProperties(job: JobFile): Properties {
  return {
    "spark.driver.memory": job.driver.memory.toLowerCase(),
    "spark.driver.cores": String(job.driver.cores),
    "spark.executor.memory": job.executor.memory.toLowerCase(),
    "spark.executor.cores": String(job.executor.cores),
    "spark.executor.instances": String(job.executor.instances),
    "spark.cores.max": String(job.executor.instances * job.executor.cores),
    ...Object.fromEntries(Object.entries(job.executor.env).map(([key, value]) => [`spark.executorEnv.${key}`, value])),
  };
}

function runProperties(input: PlanInput, paths: RunPlan["paths"]): Properties {
  const { job, folders } = input;
  return {
    "spark.app.name": job.name,
    "spark.local.dir": folders.work,
    "spark.bulwark.applicationId": input.runId,
    "spark.bulwark.driverUrlFile": paths.driverUrl,
    "spark.bulwark.releaseFile": paths.release,
    "spark.dynamicAllocation.enabled": "false",
    "spark.eventLog.enabled": String(job.eventLog.enabled),
    // No `file:` before it: Spark would take an address with a blank for the name of a folder.
    "spark.eventLog.dir": folders.eventLog,
    "spark.eventLog.rolling.enabled": "false",
    "spark.pyspark.python": input.spark.python,
    "spark.pyspark.driver.python": join(folders.conf, "python"),
    "spark.sql.warehouse.dir": `file:${join(folders.work, "warehouse")}`,
    ...mavenProperties(job, folders),
    ...listProperty("spark.jars", job.jars, input.baseFolder),
    ...listProperty("spark.submit.pyFiles", job.pyFiles, input.baseFolder),
    ...listProperty("spark.files", job.files, input.baseFolder),
  };
}

/** Libraries of Maven go into this run's scratch space; with a mirror, from nowhere else. */
function mavenProperties({ maven }: JobFile, folders: RunFolders): Properties {
  if (maven.packages.length === 0) return {};
  return {
    "spark.jars.packages": maven.packages.join(","),
    "spark.jars.ivy": join(folders.work, "ivy"),
    ...(maven.mirror === undefined ? {} : { "spark.jars.ivySettings": join(folders.conf, IVY_SETTINGS) }),
  };
}

function listProperty(name: string, paths: readonly string[], base: string): Properties {
  return paths.length === 0 ? {} : { [name]: paths.map((path) => resolve(base, path)).join(",") };
}

function planFiles(input: PlanInput, properties: Properties): PlannedFile[] {
  const { job, folders, keys } = input;
  const { profile } = job.security;
  const secret = { "bulwark.authentication.secret": input.authenticationSecret };
  const channel = channelSecrets(profile, keys.storePassword);
  const executorSettings = { ...channelProperties(profile, keys.executor), ...SCRATCH, ...CREDENTIALS };
  return [
    file(folders.conf, "spark.properties", formatProperties(properties)),
    ...(job.maven.mirror === undefined ? [] : [file(folders.conf, IVY_SETTINGS, ivySettings(job.maven.mirror))]),
    file(folders.conf, "log4j2-driver.properties", loggingConfiguration(join(folders.logs, "driver.log"))),
    file(folders.conf, "log4j2-executor.properties", loggingConfiguration(`\${sys:bulwark.log}`)),
    { ...file(folders.conf, "python", pythonLauncher(input)), mode: OWNER_EXECUTES },
    file(
      folders.secrets,
      "driver.properties",
      formatProperties({ ...secret, ...channel, ...uiSecrets(keys.storePassword), "bulwark.ui.token": input.uiToken }),
    ),
    file(folders.secrets, "executor.properties", formatProperties({ ...secret, ...channel, ...executorSettings })),
    ...(input.keyring === undefined ? [] : [file(folders.secrets, "keyring.json", input.keyring)]),
  ];
}

function file(folder: string, name: string, content: string): PlannedFile {
  return { path: join(folder, name), mode: OWNER_ONLY, content };
}

/**
 * The driver's Python dies with the JVM that started it, and writes its errors beside the JVM's: Spark would mix them
 * into the output.
 */
function pythonLauncher(input: PlanInput): string {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const python = quote(input.spark.python);
  return `#!/bin/sh
exec 2>>${quote(join(input.folders.logs, "driver.err"))}
command -v setpriv >/dev/null 2>&1 && exec setpriv --pdeathsig KILL -- ${python} "$@"
exec ${python} "$@"
`;
}

function planDriver(input: PlanInput, datasets: readonly PlannedDataset[], events: string): ProcessPlan {
  const { job, folders } = input;
  const options = splitOptions(String(job.sparkConf["spark.driver.extraJavaOptions"] ?? ""));
  const app = job.python ?? job.jar;
  if (app === undefined) {
    throw new BulwarkError("JOB_CONFLICT", "The job names neither jar nor python.", "add `jar:` or `python:`");
  }
  return {
    executable: input.java.executable,
    args: [
      ...jvmArguments(input, "driver", job.driver.memory, options),
      `-Dlog4j2.configurationFile=${pathToFileURL(join(folders.conf, "log4j2-driver.properties"))}`,
      `-Dbulwark.events=${events}`,
      "bulwark.launch.DriverMain",
      join(folders.secrets, "driver.properties"),
      ...["--master", MASTER, "--deploy-mode", "client", "--name", job.name],
      ...["--properties-file", join(folders.conf, "spark.properties")],
      ...(job.class === undefined ? [] : ["--class", job.class]),
      resolve(input.baseFolder, app),
      ...substituteArguments(job.args, datasets),
    ],
    env: processEnvironment(input, job.driver.env),
    cwd: input.baseFolder,
  };
}

function planExecutor(input: PlanInput, number: number, driverUrl: string): ProcessPlan {
  const { job, folders } = input;
  const options = splitOptions(String(job.sparkConf["spark.executor.extraJavaOptions"] ?? ""));
  return {
    executable: input.java.executable,
    args: [
      ...jvmArguments(input, "executor", job.executor.memory, [...executorDefaults(options), ...options]),
      `-Dlog4j2.configurationFile=${pathToFileURL(join(folders.conf, "log4j2-executor.properties"))}`,
      `-Dbulwark.log=${join(folders.logs, `executor-${number}.log`)}`,
      "bulwark.launch.ExecutorMain",
      join(folders.secrets, "executor.properties"),
      driverUrl,
      ...["--executor-id", String(number), "--hostname", LOOPBACK, "--bind-address", LOOPBACK],
      ...["--cores", String(job.executor.cores), "--app-id", input.runId, "--resourceProfileId", "0"],
    ],
    env: processEnvironment(input, job.executor.env),
    // Spark copies the jars of a job into the working folder: two executors must not share one.
    cwd: join(folders.work, `executor-${number}`),
  };
}

function jvmArguments(
  input: PlanInput,
  role: "driver" | "executor",
  memory: string,
  userOptions: readonly string[],
): string[] {
  return [
    ...sparkJavaOptions(input.java.major),
    ...input.jvmOptions[role],
    ...userOptions,
    `-Xmx${memory.toLowerCase()}`,
    `-Djava.io.tmpdir=${join(input.folders.work, "tmp")}`,
    `-XX:ErrorFile=${join(input.folders.logs, "jvm-crash-%p.log")}`,
    ...(input.keyring === undefined ? [] : [`-Dbulwark.keyring=${join(input.folders.secrets, "keyring.json")}`]),
    "-cp",
    input.classPath.join(":"),
  ];
}

function processEnvironment(
  input: PlanInput,
  roleEnvironment: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...input.environment,
    ...roleEnvironment,
    SPARK_HOME: input.spark.home,
    SPARK_CONF_DIR: input.folders.conf,
    SPARK_LOCAL_DIRS: input.folders.work,
    SPARK_LOCAL_IP: LOOPBACK,
    TMPDIR: join(input.folders.work, "tmp"),
    BULWARK_RUN: input.runId,
  };
}

/** Master keys a job asks for, so that the caller can hand over those and no others. */
export function requiredKeys(job: JobFile, baseFolder: string): string[] {
  return namedKeys(planDatasets(job, baseFolder, "plan"));
}
