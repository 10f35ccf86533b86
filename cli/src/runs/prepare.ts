// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { isRefusedVariable, type JobFile } from "@bulwark/contracts";
import { type Keys, openKeys, selectKeys, serializeKeyring } from "@bulwark/pki";
import { planDatasets, planRun, type RunFolders, type RunPlan, requiredKeys, type StorePaths } from "@bulwark/spark";
import type { Context } from "../command.ts";
import { type Archives, findArchives } from "../runtime/archives.ts";
import { javaOptions, sparkOptions } from "../runtime/choices.ts";
import { findBulwarkJar } from "../runtime/jar.ts";
import { findJava, type Java } from "../runtime/java.ts";
import { ensureSpark, type SparkRuntime } from "../runtime/spark.ts";
import { checkAll } from "./check-all.ts";
import { requireKeys } from "./named-keys.ts";
import { checkDatasets } from "./outputs.ts";
import { checkAgainstMachine } from "./preflight.ts";

/** What every run on this machine stands on. */
export type Ground = { java: Java; spark: SparkRuntime; jar: string; keys: Keys; archives: Archives };

/** A plan with the secrets the supervisor and the observers need to know. */
export type PreparedRun = {
  plan: RunPlan;
  /** Key stores to copy into the run's folder: a rotation of the keys must not touch what runs. */
  stores: readonly { from: string; to: string }[];
  folders: RunFolders;
  ca: string;
  /** Values that must appear nowhere outside the secrets files. */
  secrets: readonly string[];
};

/** Variables of the user's shell that processes of a job get; everything else stays outside. */
const PASSED_ON = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];
const UTF8_LOCALE = "C.UTF-8";
const SECRET_BYTES = 32;

/** Finds or makes what a run stands on: Java, Spark, our jar, keys, class archives. */
export async function prepareGround(context: Context): Promise<Ground> {
  const [java, jar, keys] = await Promise.all([
    findJava(javaOptions(context)),
    findBulwarkJar(),
    openKeys(context.paths.keys, { now: context.now() }),
  ]);
  const { progress, signal } = context;
  const spark = await ensureSpark({ ...sparkOptions(context), progress, signal });
  const archives = await findArchives({ java, spark, jar, cacheDir: context.paths.cache });
  return { java, spark, jar, keys, archives };
}

/** The folders of a run; they are made when the planned files are written. */
export function toRunFolders(runsFolder: string, id: string): RunFolders {
  const run = join(runsFolder, id);
  return {
    run,
    conf: join(run, "conf"),
    secrets: join(run, "secrets"),
    logs: join(run, "logs"),
    work: join(run, "work"),
    eventLog: join(run, "eventlog"),
  };
}

/** Checks a job against this machine, all findings at once, and plans its run. Fresh secrets each time; only the named master keys go along. */
export async function prepareRun(
  context: Context,
  ground: Ground,
  request: { job: JobFile; id: string; baseFolder: string; allKeys: boolean },
): Promise<PreparedRun> {
  const { job, id, baseFolder } = request;
  const { keys, java, spark, archives } = ground;
  await checkAll(
    checkAgainstMachine(job, baseFolder, totalmem()),
    Promise.try(() => requireKeys(job, new Set(keys.keyring.keys.map((key) => key.id)))),
    checkDatasets(planDatasets(job, baseFolder, id)),
  );
  const named = request.allKeys ? keys.keyring.keys.map((key) => key.id) : requiredKeys(job, baseFolder);
  const folders = toRunFolders(context.paths.runs, id);
  const authenticationSecret = randomBytes(SECRET_BYTES).toString("base64url");
  const uiToken = randomBytes(SECRET_BYTES).toString("base64url");
  const { stores, paths: storePaths } = planStores(keys, folders.secrets);
  const plan = planRun({
    job,
    runId: id,
    baseFolder,
    folders,
    java,
    spark,
    classPath: archives.classPath,
    jvmOptions: { driver: archives.flags("driver"), executor: archives.flags("executor") },
    keys: { ...storePaths, storePassword: keys.storePassword },
    authenticationSecret,
    uiToken,
    keyring: named.length === 0 ? undefined : serializeKeyring(selectKeys(keys.keyring, named)),
    environment: pickEnvironment(context.env),
  });
  const ca = await readFile(keys.files.server.caCertificate, "utf8");
  return { plan, stores, folders, ca, secrets: [authenticationSecret, uiToken, keys.storePassword] };
}

function planStores(keys: Keys, folder: string) {
  const stores: { from: string; to: string }[] = [];
  const place = (role: "server" | "driver" | "executor"): StorePaths => {
    const paths = { keyStore: join(folder, `${role}.p12`), trustStore: join(folder, `${role}-trust.p12`) };
    stores.push({ from: keys.files[role].keyStore, to: paths.keyStore });
    stores.push({ from: keys.files[role].trustStore, to: paths.trustStore });
    return paths;
  };
  return { paths: { server: place("server"), driver: place("driver"), executor: place("executor") }, stores };
}

function pickEnvironment(env: Context["env"]): Record<string, string> {
  const picked = PASSED_ON.filter((name) => !isRefusedVariable(name)).flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || "";
  // In any other locale Java cannot name a file whose path is not plain ASCII.
  return { ...Object.fromEntries(picked), ...(/utf-?8/i.test(locale) ? {} : { LC_ALL: UTF8_LOCALE }) };
}
