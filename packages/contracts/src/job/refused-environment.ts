// SPDX-License-Identifier: Apache-2.0
import { matchesAny } from "./wildcard.ts";

/** One kind of environment variable that no process of a job may get. A star stands for any characters. */
export type RefusedVariable = { names: readonly string[]; except?: readonly string[]; reason: string; mend: string };

const REMOVE = "Remove it: Bulwark sets it for every run";

/** Variables that would weaken a profile, or let the shell decide what the job file decides. */
export const REFUSED_VARIABLES: readonly RefusedVariable[] = [
  {
    names: ["SPARK_*", "_SPARK_*", "SPARKR_*"],
    except: ["SPARK_VERSION"],
    reason: "Spark reads settings, addresses, folders, JVM options and secrets from such variables",
    mend: "Use the job file's keys or `sparkConf`",
  },
  {
    names: ["PYSPARK_*"],
    except: ["PYSPARK_PIN_THREAD"],
    reason: "It replaces the interpreter or the channel between Python and the JVM",
    mend: "Name packages under `pyFiles:`",
  },
  {
    names: ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONEXECUTABLE"],
    reason: "It puts other modules before Spark's own, which know the channel's secret",
    mend: "Name modules under `pyFiles:`",
  },
  {
    names: ["BULWARK_*"],
    reason: "These names are Bulwark's own",
    mend: "Remove it: `bulwark config` and the job file hold every setting",
  },
  {
    names: [
      "JAVA_TOOL_OPTIONS",
      "JDK_JAVA_OPTIONS",
      "_JAVA_OPTIONS",
      "IBM_JAVA_OPTIONS",
      "OPENJ9_JAVA_OPTIONS",
      "JAVA_OPTS",
      "JDK_AOT_VM_OPTIONS",
    ],
    reason: "Every JVM would take options from it: agents, debuggers, Spark settings",
    mend: "Use `spark.driver.extraJavaOptions` or `spark.executor.extraJavaOptions`, which are checked",
  },
  {
    names: ["CLASSPATH"],
    reason: "It could replace the classes that hold keys",
    mend: "Name jars under `jars:`",
  },
  {
    names: ["JAVA_HOME", "JRE_HOME"],
    reason: "It would start another Java than the one that was checked",
    mend: "Choose Java for the tool: `bulwark doctor` shows which is used",
  },
  {
    names: ["LD_*", "DYLD_*", "GCONV_PATH", "GLIBC_TUNABLES"],
    reason: "The loader would put other native code, cryptography included, into every process",
    mend: "Remove it and load native libraries from the job's own jar or wheel",
  },
  {
    names: ["OPENSSL_CONF", "OPENSSL_CONF_INCLUDE", "OPENSSL_MODULES", "OPENSSL_ENGINES", "SSLKEYLOGFILE"],
    reason: "It changes the cryptography in use, or writes down session keys",
    mend: "Remove it",
  },
  {
    names: ["HADOOP_*", "YARN_*", "HIVE_CONF_DIR", "HBASE_CONF_DIR"],
    except: ["HADOOP_USER_NAME"],
    reason: "Settings, class paths and tokens would be taken from there, past the checks",
    mend: "Use `sparkConf` with `spark.hadoop.NAME`, which is checked",
  },
  {
    names: ["CONTAINER_ID", "LOCAL_DIRS", "LOG_DIRS", "MESOS_SANDBOX", "MESOS_DIRECTORY"],
    reason: "Spark would believe that another cluster manager started it and move its scratch files there",
    mend: "Remove it",
  },
  { names: ["TMPDIR", "TMP", "TEMP"], reason: "Temporary files would leave the run's private folder", mend: REMOVE },
  {
    names: ["APPLICATION_WEB_PROXY_BASE"],
    reason: "It changes the address under which the UI answers",
    mend: "Remove it: `bulwark ui` opens the UI",
  },
  {
    names: ["BASH_ENV", "ENV", "BASH_FUNC_*", "SHELLOPTS", "BASHOPTS", "IFS", "PS4"],
    reason: "Every shell that a process starts would run it first",
    mend: "Remove it",
  },
];

/** The rule a variable meets, or undefined. Capitals do not count: a variable meant to be one of these is none to keep. */
export function findRefusedVariable(name: string): RefusedVariable | undefined {
  return REFUSED_VARIABLES.find((rule) => matchesAny(name, rule.names) && !matchesAny(name, rule.except ?? []));
}

/** Whether a runner must drop this variable of the user's shell before it starts a process of a job. */
export function isRefusedVariable(name: string): boolean {
  return findRefusedVariable(name) !== undefined;
}
