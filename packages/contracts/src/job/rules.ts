// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { Rule } from "../document/format.ts";
import type { Issue, Path } from "../document/issue.ts";
import { suggestName } from "../suggest-name.ts";
import { CLUSTER_RULES } from "./cluster-rules.ts";
import { refusedSettingIssues, refusedVariableIssues } from "./find-refused.ts";
import { plainTextIssues } from "./plain-text.ts";
import type { JobFile } from "./schema.ts";
import { parseDurationMs, parseSizeBytes } from "./units.ts";

/** A rule over several keys of a job file. */
export type JobRule = {
  about: readonly string[];
  /** Where the job is to run, if the rule holds there alone. */
  target?: Target;
  check: (job: JobFile, target: Target) => readonly Issue[];
};

/** Where a job is to run: on this machine, or on Kubernetes. */
export type Target = "machine" | "cluster";

/** Spark refuses to start a JVM below 1.5 times its 300 MiB reserve; half a gibibyte is the next round number. */
const HEAP_MINIMUM = "512m";
const HEAP_MAXIMUM = "16t";
const CORES_MAXIMUM = 50_000;
const TIME_MAXIMUM = "8760h";

const conflict = (at: Path, message: string, mend: string): Issue => ({ code: "JOB_CONFLICT", at, message, mend });
const invalid = (at: Path, message: string, mend: string): Issue => ({ code: "JOB_VALUE_INVALID", at, message, mend });
const when = (wrong: boolean, issue: () => Issue): Issue[] => (wrong ? [issue()] : []);

function checkHeap(role: "driver" | "executor", job: JobFile): Issue[] {
  const { memory } = job[role];
  const at = [role, "memory"];
  const bytes = parseSizeBytes(memory);
  if (bytes < parseSizeBytes(HEAP_MINIMUM)) {
    const message = `${role}.memory is ${memory}; Spark does not start with less than ${HEAP_MINIMUM}`;
    return [invalid(at, message, `Write \`memory: ${HEAP_MINIMUM}\` or more`)];
  }
  return when(bytes > parseSizeBytes(HEAP_MAXIMUM), () =>
    invalid(at, `${role}.memory is ${memory}, more than ${HEAP_MAXIMUM}`, "Check the unit: k, m, g or t"),
  );
}

function checkTime(key: "timeout" | "startTimeout", job: JobFile): Issue[] {
  const milliseconds = parseDurationMs(job[key]);
  return when(milliseconds < 1000 || milliseconds > parseDurationMs(TIME_MAXIMUM), () =>
    invalid([key], `${key} is ${job[key]}; it is from 1s to ${TIME_MAXIMUM}`, `Write for instance \`${key}: 2h\``),
  );
}

/** Datasets in order, each with where its path leads. */
const listDatasets = (job: JobFile) =>
  Object.entries(job.data).map(([name, dataset]) => ({ name, dataset, place: posix.normalize(`${dataset.path}/`) }));

/** Outputs that lie in, or hold, an input or an earlier output. */
function findOverlaps(job: JobFile): Issue[] {
  const datasets = listDatasets(job);
  const overlap = (one: string, two: string): boolean => one.startsWith(two) || two.startsWith(one);
  return datasets.flatMap(({ name, dataset, place }, index) => {
    const other = datasets.find(
      (candidate, position) =>
        position !== index &&
        (candidate.dataset.mode === "read" || position < index) &&
        overlap(place, candidate.place),
    );
    if (dataset.mode !== "write" || other === undefined) return [];
    return [
      conflict(
        ["data", name, "path"],
        `data.${name} would be written over or into data.${other.name}`,
        "Give each written dataset a folder of its own",
      ),
    ];
  });
}

function findUnknownReferences(job: JobFile): Issue[] {
  const known = Object.keys(job.data);
  return job.args.flatMap((argument, index) =>
    [...argument.matchAll(/\{data\.([^{}]*)\}/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !Object.hasOwn(job.data, name))
      .slice(0, 1)
      .map((name) => {
        const near = suggestName(name, known);
        const mend = near === undefined ? `Describe it: \`data: {${name}: {path: ...}}\`` : `Write {data.${near}}`;
        return invalid(["args", String(index)], `An argument names {data.${name}}, which is not under data`, mend);
      }),
  );
}

/** Every place of the job file that may name a program or a file to fetch. */
const listSources = (job: JobFile): [Path, string | undefined][] => [
  [["jar"], job.jar],
  [["python"], job.python],
  ...(["jars", "pyFiles", "files"] as const).flatMap((key) =>
    job[key].map((source, index): [Path, string] => [[key, String(index)], source]),
  ),
];

/** Rules over several keys of a job file whose single values are right. */
export const RULES: Readonly<Record<string, JobRule>> = {
  oneProgram: {
    about: ["jar", "python", "class"],
    check: (job, target) => {
      if (job.jar !== undefined && job.python !== undefined) {
        return [conflict(["python"], "The job names both a jar and a python file", "Keep one of `jar` and `python`")];
      }
      // In a cluster, the image has a program of its own: Spark-Pi.
      return when(target === "machine" && job.jar === undefined && job.python === undefined, () =>
        job.class === undefined
          ? conflict([], "The job names no program", "Add `jar: app.jar` or `python: app.py`")
          : conflict(["class"], "class is given without a jar", "Add `jar: app.jar`"),
      );
    },
  },
  classNeedsJar: {
    about: ["jar", "python", "class"],
    check: (job) =>
      when(job.class !== undefined && job.jar === undefined && job.python !== undefined, () =>
        conflict(["class"], "class belongs to a jar, and the job names a python file", "Remove `class`"),
      ),
  },
  columnKeysNeedFooterKey: {
    about: ["data"],
    check: (job) =>
      listDatasets(job).flatMap(({ name, dataset }) =>
        when(Object.keys(dataset.columns).length > 0 && dataset.key === undefined, () =>
          conflict(
            ["data", name, "columns"],
            `data.${name} has keys for columns and none for the footer and the other columns`,
            "Add `key: NAME` beside `columns`",
          ),
        ),
      ),
  },
  overwriteNeedsWrite: {
    about: ["data"],
    check: (job) =>
      listDatasets(job).flatMap(({ name, dataset }) =>
        when(dataset.overwrite && dataset.mode === "read", () =>
          conflict(
            ["data", name, "overwrite"],
            `data.${name} is read, so there is nothing to overwrite`,
            "Add `mode: write`, or remove `overwrite`",
          ),
        ),
      ),
  },
  ownFolderPerOutput: { about: ["data"], check: findOverlaps },
  knownDatasets: { about: ["data", "args"], check: findUnknownReferences },
  safeDownloads: {
    about: ["jar", "python", "jars", "pyFiles", "files"],
    check: (job) =>
      listSources(job).flatMap(([at, source]) =>
        when(/^(http|ftp):/i.test(source ?? ""), () =>
          invalid(at, `${at[0]} is fetched unprotected, so code could be replaced on its way`, "Use https or a file"),
        ),
      ),
  },
  driverHeap: { about: ["driver.memory"], check: (job) => checkHeap("driver", job) },
  executorHeap: { about: ["executor.memory"], check: (job) => checkHeap("executor", job) },
  saneCores: {
    about: ["executor.instances", "executor.cores"],
    check: ({ executor: { instances, cores } }) =>
      when(instances * cores > CORES_MAXIMUM, () =>
        invalid(
          ["executor", "cores"],
          `${instances} executors of ${cores} cores are ${instances * cores} cores, more than ${CORES_MAXIMUM}`,
          "Lower `executor.instances` or `executor.cores`",
        ),
      ),
  },
  timeout: { about: ["timeout"], check: (job) => checkTime("timeout", job) },
  startTimeout: { about: ["startTimeout"], check: (job) => checkTime("startTimeout", job) },
  refusedSettings: {
    about: [],
    check: (job) => refusedSettingIssues(job.sparkConf, job.security.profile),
  },
  driverVariables: { about: [], check: (job) => refusedVariableIssues(job.driver.env, ["driver", "env"]) },
  executorVariables: { about: [], check: (job) => refusedVariableIssues(job.executor.env, ["executor", "env"]) },
  plainText: { about: [], check: plainTextIssues },
  ...CLUSTER_RULES,
};

/** The rules that hold where a job is to run. */
export function rulesFor(target: Target): Readonly<Record<string, Rule<JobFile>>> {
  const held = Object.entries(RULES).filter(([, rule]) => rule.target === undefined || rule.target === target);
  return Object.fromEntries(
    held.map(([name, { about, check }]) => [name, { about, check: (job: JobFile) => check(job, target) }]),
  );
}
