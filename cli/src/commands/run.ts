// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, extname, resolve } from "node:path";
import { BulwarkError, type JobFile, type PlaceFinding, parseJobFile } from "@bulwark/contracts";
import type { CommandSpec, Context, Result } from "../command.ts";
import { isDocument } from "../output/print.ts";
import { formatReport } from "../output/security-report.ts";
import { placeFindings } from "../runs/place-findings.ts";
import { prepareGround } from "../runs/prepare.ts";
import { readJobFile } from "../runs/read-job-file.ts";
import type { RunFailure } from "../runs/record.ts";
import { runOnGround } from "../runs/run-job.ts";
import { lacksArchives, trainArchives } from "../runs/train.ts";

/** What a flag said stands in no line. */
const COMMAND_LINE = { file: "command line" };
const JOB_FILE_ENDINGS = new Set([".yaml", ".yml", ".json"]);

/** `bulwark run`: one job on this machine, from a job file or straight from a program. */
export const spec: CommandSpec = {
  examples: [
    "bulwark run job.yaml",
    "bulwark run app.py -- --input data.csv",
    "bulwark run app.jar --class com.example.Main -- 100",
    "bulwark run job.yaml --profile tls",
  ],
  configure(command) {
    command
      .argument("<target>", "job file (.yaml), Python program (.py) or jar (.jar)")
      .argument("[args...]", "arguments of the program, after --")
      .option("--class <name>", "main class of a jar")
      .option("--name <name>", "name of the application")
      .option("--profile <profile>", "aes-gcm or tls")
      .option("--executors <number>", "number of executors")
      .option("--executor-memory <size>", "heap of each executor, for instance 2g")
      .option("--driver-memory <size>", "heap of the driver")
      .option("--conf <key=value>", "a Spark setting; may be repeated", collect, [])
      .option("--timeout <duration>", "longest time it may run, for instance 30m");
  },
  async execute(context, { args, flags }) {
    const [target = "", ...programArgs] = args;
    const { job, baseFolder, place } = await readJob(context, target, programArgs, flags);
    const asDocument = isDocument(flags.output);
    const onOutput = (chunk: Buffer): void => {
      // A document on stdout stands alone; then the program's output goes where people look.
      (asDocument ? context.stderr : context.stdout).write(chunk);
    };
    const ground = await prepareGround(context);
    const { record, report } = await runOnGround(context, ground, { job, baseFolder, onOutput }).catch((error) => {
      throw placeFindings(error, place);
    });
    context.progress.note(
      report === undefined
        ? "No Spark application was observed, so there is no security report."
        : formatReport(report),
    );
    if (record.failure !== undefined) throw toError(record.failure);
    if (lacksArchives(ground)) await trainArchives(context, ground);
    context.progress.note(`${record.id} succeeded; see it again: bulwark status ${record.id} --security`);
    return asDocument ? { value: { ...record, security: report } } : ({} satisfies Result);
  },
};

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

function toError({ code, message, mend, stage, executor, log }: RunFailure) {
  const where = [stage === undefined ? "" : `stage ${stage}`, executor === undefined ? "" : `executor ${executor}`]
    .filter((part) => part !== "")
    .join(", ");
  return new BulwarkError(
    code,
    where === "" ? message : `${message} (${where})`,
    log === undefined || mend.includes(log) ? mend : `${mend}; log: ${log}`,
  );
}

/** A job, where its relative paths start, and what places findings about it. */
type Asked = { job: JobFile; baseFolder: string; place: PlaceFinding };

/** The job of a target with what the flags say on top, validated as one. */
async function readJob(
  context: Context,
  target: string,
  programArgs: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Promise<Asked> {
  const path = resolve(context.cwd, target);
  const fromFile = JOB_FILE_ENDINGS.has(extname(target).toLowerCase());
  const overrides = toOverrides(flags, programArgs);
  if (!fromFile) {
    const text = JSON.stringify(merge(toProgram(target), overrides));
    return { job: parseJobFile(text, COMMAND_LINE).job, baseFolder: context.cwd, place: (about) => about };
  }
  const content = await readJobFile(context.cwd, target);
  const { job, warnings, place } = parseJobFile(content, { file: target });
  for (const { line, message, mend } of warnings) context.progress.warn(`${target}:${line}  ${message}: ${mend}`);
  const baseFolder = dirname(path);
  if (Object.keys(overrides).length === 0) return { job, baseFolder, place };
  return {
    job: parseJobFile(JSON.stringify(merge(job, overrides)), COMMAND_LINE).job,
    baseFolder,
    place: (about) => (isGiven(overrides, about.path) ? { ...about, file: COMMAND_LINE.file } : place(about)),
  };
}

function toProgram(target: string): Tree {
  const name =
    basename(target, extname(target))
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 40) || "job";
  if (extname(target) === ".py") return { name, python: target };
  if (extname(target) === ".jar") return { name, jar: target };
  throw new BulwarkError(
    "USAGE",
    `${target} is no job file (.yaml), Python program (.py) or jar (.jar).`,
    "bulwark run --help",
  );
}

type Tree = { [key: string]: unknown };

function toOverrides(flags: Readonly<Record<string, unknown>>, programArgs: readonly string[]): Tree {
  const conf = Object.fromEntries((flags.conf as string[]).map(splitSetting));
  return prune({
    name: flags.name,
    class: flags.class,
    timeout: flags.timeout,
    args: programArgs.length === 0 ? undefined : programArgs,
    sparkConf: conf,
    security: { profile: flags.profile },
    driver: { memory: flags.driverMemory },
    executor: {
      memory: flags.executorMemory,
      instances: flags.executors === undefined ? undefined : Number(flags.executors),
    },
  });
}

function splitSetting(setting: string): [string, string] {
  const at = setting.indexOf("=");
  if (at < 1)
    throw new BulwarkError(
      "USAGE",
      `--conf ${setting} is no key=value.`,
      "for instance: --conf spark.sql.shuffle.partitions=8",
    );
  return [setting.slice(0, at), setting.slice(at + 1)];
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Leaves out what was not given. */
function prune(tree: Tree): Tree {
  const entries = Object.entries(tree)
    .map(([key, value]): [string, unknown] => [key, isTree(value) ? prune(value) : value])
    .filter(([, value]) => value !== undefined && !(isTree(value) && Object.keys(value).length === 0));
  return Object.fromEntries(entries);
}

/** Whether a value, named by its dotted path, or what holds it was given as a whole. */
function isGiven(given: Tree, path = ""): boolean {
  let value: unknown = given;
  for (const name of path.split(".")) value = isTree(value) ? value[name] : value;
  return value !== undefined && !isTree(value);
}

function merge(base: Tree, over: Tree): Tree {
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}
