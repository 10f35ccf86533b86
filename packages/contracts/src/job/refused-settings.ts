// SPDX-License-Identifier: Apache-2.0
import type { JobFile } from "./schema.ts";

export type ProfileName = JobFile["security"]["profile"];

/**
 * One kind of Spark setting which a job file may not carry. In `names` and `except` a star stands for any characters.
 * `insteadKey` is the job file's own key for it: then nothing is weakened, but two places would say different things.
 */
export type RefusedSetting = {
  names: readonly string[];
  except?: readonly string[];
  reason: string;
  mend: string;
  insteadKey?: string;
};

const BY_PROFILE = "Remove it: `security.profile` sets it";
const REMOVE = "Remove it: Bulwark sets it for every run";

/**
 * Settings that would weaken a profile, take its secrets out of their files, or say twice what the job file says.
 *
 * What this list holds against: a job file, taken from elsewhere or edited by mistake, that runs with less protection
 * than its profile promises. It does not fence in the job's own code, which runs with the job's data in its hands.
 * Names are those of Spark 4.3 (its registered configuration entries, its alternative and deprecated names, docs/security.md),
 * of Hadoop with its deprecated names, and of Parquet's key tools.
 */
export const REFUSED_SETTINGS: readonly RefusedSetting[] = [
  // Who may speak, and how channels are encrypted
  {
    names: ["spark.authenticate", "spark.authenticate.*"],
    reason:
      "It turns the authentication of driver and executors off, or takes the secret from where others can read it",
    mend: BY_PROFILE,
  },
  {
    names: ["spark.network.crypto.*", "spark.network.sasl.*"],
    reason:
      "It chooses how channels are encrypted; the defaults are AES-CTR without integrity, with a way back to SASL",
    mend: BY_PROFILE,
  },
  {
    names: ["spark.ssl.*"],
    reason: "It chooses TLS versions, ciphers, certificates and their passwords",
    mend: "Remove it: `security.profile: tls` and `bulwark keys` set it",
  },
  {
    names: ["spark.rpc", "spark.rpc.*"],
    except: [
      "spark.rpc.askTimeout",
      "spark.rpc.lookupTimeout",
      "spark.rpc.message.maxSize",
      "spark.rpc.connect.threads",
      "spark.rpc.io.*",
      "spark.rpc.netty.dispatcher.numThreads",
    ],
    reason: "It replaces or bends the channel between driver and executors",
    mend: "Remove it; sizes, threads and time-outs of that channel may be set",
  },
  {
    names: ["spark.api.mode", "spark.remote", "spark.local.connect", "spark.connect.*"],
    reason: "It opens a Spark Connect server, a channel that no profile protects",
    mend: "Remove it and let the job use its Spark session directly",
  },
  {
    names: ["spark.python.unix.domain.socket.*"],
    reason: "It replaces the authenticated channel to Python by a socket file",
    mend: "Remove it",
  },
  {
    names: ["spark.shuffle.service.*", "spark.shuffle.push.*"],
    reason:
      "An external shuffle service keeps blocks beyond the application and knows no secret of its own per application",
    mend: "Remove it: executors serve their own blocks",
  },
  {
    names: ["spark.shuffle.manager", "spark.shuffle.manager.*", "spark.shuffle.sort.io.plugin.class"],
    reason: "Another shuffle has channels and files that the profile does not protect",
    mend: "Remove it: Spark's own shuffle is used",
  },

  // Scratch files and what is left on disks
  {
    names: ["spark.io.encryption.*", "spark.io.crypto.*"],
    reason: "It turns the encryption of scratch files off or weakens it",
    mend: BY_PROFILE,
  },
  {
    names: ["spark.local.dir", "spark.storage.decommission.fallbackStorage.*", "spark.hadoop.hadoop.tmp.dir"],
    reason: "It moves scratch files out of the run's private folder, which is removed at the end",
    mend: REMOVE,
  },
  {
    names: ["spark.checkpoint.dir", "spark.sql.streaming.checkpointLocation"],
    reason: "Spark writes checkpoints and streaming state as plaintext, whatever the profile",
    mend: "Remove it; where plaintext state is acceptable, name the folder in the program",
  },
  {
    names: [
      "spark.sql.warehouse.dir",
      "spark.hadoop.hive.metastore.warehouse.dir",
      "spark.hive.metastore.warehouse.dir",
    ],
    reason: "Tables written there are plaintext and stay after the run",
    mend: "Remove it and name what the job writes under `data:`, with a key",
  },
  {
    names: ["spark.eventLog.*"],
    except: ["spark.eventLog.enabled"],
    reason: "It moves or changes the event log, which tells what the job did",
    mend: "Remove it: `eventLog.enabled` keeps the log in the run's private folder",
  },
  {
    names: ["spark.driver.log.*"],
    reason: "It writes a second log outside the run's private folder",
    mend: "Remove it: `bulwark logs` shows the driver's log",
  },
  {
    names: ["spark.history.*"],
    reason: "It changes the history server, which shows every kept run",
    mend: "Remove it: `bulwark ui` starts the history server",
  },

  // What leaves the application: UI, logs, metrics
  {
    names: ["spark.ui.*"],
    except: [
      "spark.ui.retained*",
      "spark.ui.timeline*",
      "spark.ui.dagGraph.*",
      "spark.ui.liveUpdate.*",
      "spark.ui.groupSQLSubExecutionEnabled",
    ],
    reason:
      "It opens the UI, its REST answers or its actions to others, or blinds the security report, which reads them",
    mend: "Remove it: `bulwark ui` opens the UI behind a token",
  },
  {
    names: ["spark.acls.*", "spark.admin.acls*", "spark.modify.acls*", "spark.user.groups.mapping"],
    reason: "It says who may see and stop the application; a token says that here",
    mend: "Remove it",
  },
  {
    names: ["spark.redaction.*", "spark.sql.redaction.*"],
    reason: "It changes what is hidden in the UI, the event log and the logs",
    mend: REMOVE,
  },
  {
    names: ["spark.sql.execution.pyspark.udf.tracebackWithLocals.enabled"],
    reason: "It prints the values of a function's variables, and so data, into the logs",
    mend: "Remove it",
  },
  {
    names: ["spark.metrics.conf", "spark.metrics.conf.*"],
    reason: "Metrics sinks send figures over channels that the profile does not protect",
    mend: "Remove it; figures of each stage are in `bulwark status` and in the event log",
  },

  // Where the processes are and who starts them
  {
    names: ["spark.master", "spark.submit.deployMode", "spark.kubernetes.driver.master", "spark.kubernetes.context"],
    reason: "It says where the job runs; Bulwark protects only what it starts",
    mend: "Remove it: `bulwark run` runs here; `bulwark submit` runs at `k8sMaster`",
  },
  {
    names: [
      "spark.driver.host",
      "spark.driver.bindAddress",
      "spark.driver.port",
      "spark.driver.blockManager.port",
      "spark.blockManager.port",
      "spark.driver.appUIAddress",
      "spark.executor.port",
    ],
    reason: "It opens driver or executors on other addresses than those the plan closes off",
    mend: REMOVE,
  },
  {
    names: ["spark.bulwark.*", "spark.hadoop.bulwark.*"],
    reason: "These names are Bulwark's own",
    mend: "Remove it: the job file has a key for everything that may be set",
  },
  {
    names: ["spark.yarn.*", "spark.mesos.*"],
    reason: "Bulwark does not run on that cluster manager; some of these names are older forms of refused settings",
    mend: "Remove it",
  },
  {
    names: ["spark.testing", "spark.testing.*", "spark.test.*"],
    reason: "It puts Spark into a test mode in which checks are left out",
    mend: "Remove it",
  },

  // Which code the JVMs run
  {
    names: [
      "spark.driver.extraClassPath",
      "spark.executor.extraClassPath",
      "spark.driver.defaultExtraClassPath",
      "spark.executor.defaultExtraClassPath",
    ],
    reason: "It stands before Spark and Bulwark on the class path and could replace the classes that hold keys",
    mend: "Name the jars under `jars:`",
  },
  {
    names: ["spark.driver.userClassPathFirst", "spark.executor.userClassPathFirst", "spark.files.userClassPathFirst"],
    reason: "It lets a dependency replace the classes that hold keys",
    mend: "Remove it; where versions clash, shade the dependency in the job's jar",
  },
  {
    names: ["spark.driver.extraLibraryPath", "spark.executor.extraLibraryPath"],
    reason: "Native cryptography would be loaded from there first",
    mend: "Remove it and load native libraries from the job's own jar",
  },
  {
    names: ["spark.driver.defaultJavaOptions", "spark.executor.defaultJavaOptions"],
    reason: "It is a second place for JVM options, put before those that are checked",
    mend: "Use `spark.driver.extraJavaOptions` or `spark.executor.extraJavaOptions`",
  },
  {
    names: ["spark.pyspark.python", "spark.pyspark.driver.python"],
    reason: "It starts another interpreter than the one installed with Spark",
    mend: "Remove it and name packages under `pyFiles:`",
  },
  {
    names: ["spark.python.daemon.module", "spark.python.worker.module"],
    reason: "It replaces the part of Python that answers to the executor's secret",
    mend: "Remove it",
  },
  {
    names: ["spark.jars.ivySettings"],
    reason: "It can fetch code from any place over unprotected channels",
    mend: "Remove it; `spark.jars.packages` and https `spark.jars.repositories` may be set",
  },

  // Keys of encrypted data
  {
    names: ["spark.hadoop.parquet.crypto.*", "spark.hadoop.parquet.encryption.*"],
    reason: "It chooses who holds the keys of encrypted data, or which columns stay plaintext",
    mend: "Remove it and name keys under `data:`",
  },
  {
    names: [
      "spark.hadoop.io.compression.codecs",
      "spark.hadoop.mapreduce.output.fileoutputformat.compress*",
      "spark.hadoop.mapred.output.compress*",
    ],
    reason: "Text files of a dataset are encrypted by a codec; another codec would write them as plaintext",
    mend: "Remove it and name keys under `data:`",
  },
  {
    names: [
      "spark.hadoop.hadoop.security.credential.*",
      "spark.hadoop.hadoop.security.credstore.*",
      "spark.hadoop.hadoop.security.crypto.*",
      "spark.hadoop.hadoop.token.files",
      "spark.hadoop.hadoop.tokens",
    ],
    reason: "Secrets and store passwords would be taken from there",
    mend: "Remove it: secrets come from `bulwark keys`",
  },

  // Kubernetes: what pods may do
  {
    names: [
      "spark.kubernetes.authenticate.*",
      "spark.kubernetes.trust.certificates",
      "spark.kubernetes.*.podTemplate*",
      "spark.kubernetes.*.pod.featureSteps",
      "spark.kubernetes.*.pod.excludedFeatureSteps",
      "spark.kubernetes.driver.pod.name",
      "spark.kubernetes.hadoop.configMapName",
      "spark.kubernetes.executor.disableConfigMap",
      "spark.kubernetes.resource.type",
      "spark.kubernetes.submitInDriver",
      "spark.kubernetes.*securityContext.*",
      "spark.kubernetes.*.volumes.hostPath.*",
    ],
    reason: "It changes the rights, the form or the owner of the pods",
    mend: "Remove it: the chart makes the pods",
  },
  {
    names: ["spark.kubernetes.*.secretKeyRef.*"],
    reason: "It puts a secret into an environment variable",
    mend: "Remove it and mount the Secret as a file: `spark.kubernetes.driver.secrets.NAME: /path`",
  },
  {
    names: ["spark.kubernetes.sgx.*"],
    reason: "Only a patched Spark 3.1 knew these names; Spark 4 ignores them",
    mend: "Remove it and set `trust.tee: sgx`",
  },
  {
    names: ["spark.kubernetes.container.image", "spark.kubernetes.*.container.image"],
    reason: "The job file names the image, which is checked before it runs",
    mend: "Set `image`",
    insteadKey: "image",
  },

  // What the job file says with keys of its own
  ...Object.entries({
    "spark.app.name": "name",
    "spark.driver.cores": "driver.cores",
    "spark.driver.memory": "driver.memory",
    "spark.executor.cores": "executor.cores",
    "spark.executor.memory": "executor.memory",
    "spark.executor.instances": "executor.instances",
    "spark.cores.max": "executor.instances",
    "spark.dynamicAllocation.*": "dynamicAllocation",
    "spark.executor.memoryOverhead*": "executor.memoryOverhead",
    "spark.driver.memoryOverhead*": "driver.memoryOverhead",
    "spark.executorEnv.*": "executor.env",
    "spark.kubernetes.driverEnv.*": "driver.env",
    "spark.jars": "jars",
    "spark.files": "files",
    "spark.submit.pyFiles": "pyFiles",
    "spark.eventLog.enabled": "eventLog.enabled",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "startTimeout",
    "spark.scheduler.minRegisteredResourcesRatio": "executor.instances",
  }).map(([name, insteadKey]) => ({
    names: [name],
    reason: "The job file has a key of its own for it",
    mend: `Set \`${insteadKey}\``,
    insteadKey,
  })),
];

/** Looked at, and allowed: what each can do, the job's own code can do anyway. */
export const ALLOWED_ON_PURPOSE: readonly { names: readonly string[]; reason: string }[] = [
  {
    names: ["spark.plugins", "spark.extraListeners", "spark.sql.extensions", "spark.sql.queryExecutionListeners"],
    reason:
      "The classes come from the job's jars, are loaded after the channels are up, and run with the job's own rights",
  },
  {
    names: ["spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"],
    reason: "Each option is checked; memory, garbage collection and the job's own -D names pass",
  },
  {
    names: ["spark.jars.packages", "spark.jars.repositories"],
    reason: "Repositories must be https; the code fetched is the job's own",
  },
  { names: ["spark.serializer", "spark.kryo.registrator"], reason: "It changes what is sent, not how it is protected" },
  {
    names: ["spark.shuffle.compress", "spark.io.compression.codec", "spark.shuffle.io.connectionTimeout"],
    reason: "Tuning below or above the encryption; it stays on",
  },
];

const EVERY_PROFILE: Readonly<Record<string, string>> = {
  "spark.authenticate": "true",
  "spark.authenticate.enableSaslEncryption": "false",
  "spark.network.crypto.saslFallback": "false",
  "spark.io.encryption.enabled": "true",
  "spark.io.encryption.keySizeBits": "256",
  "spark.io.encryption.keygen.algorithm": "HmacSHA256",
  "spark.shuffle.service.enabled": "false",
  "spark.dynamicAllocation.enabled": "false",
};

/**
 * What a profile sets anyway. A job file that carries exactly this is accepted and nothing is said: files of secured
 * clusters can be used as they are, and the profile's value holds whether the line is there or not.
 */
export const PROFILE_VALUES: Readonly<Record<ProfileName, Readonly<Record<string, string>>>> = {
  "aes-gcm": {
    ...EVERY_PROFILE,
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    "spark.network.crypto.authEngineVersion": "2",
  },
  tls: { ...EVERY_PROFILE, "spark.network.crypto.enabled": "false", "spark.ssl.rpc.enabled": "true" },
};
