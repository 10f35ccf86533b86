// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import {
  BulwarkError,
  byPosition,
  countFindings,
  type Finding,
  type JobFile,
  type PlaceFinding,
  parseJobFile,
} from "@bulwark/contracts";
import { parse } from "yaml";
import type { Context } from "../command.ts";
import { readJobFile } from "../runs/read-job-file.ts";

/** A job for a cluster: its values as the chart takes them, and which Secrets the user brings himself. */
export type ClusterJob = {
  job: JobFile;
  ownSecrets: ReadonlySet<string>;
  /** Tells where in the job file a finding about one of its values stands. */
  place: PlaceFinding;
};

/** A ConfigMap holds 1 MiB, and base64 takes a third more. */
const LARGEST_PROGRAM = 700_000;
const FILE_NAME = /^[A-Za-z0-9_][-A-Za-z0-9_.]{0,99}$/;
const TEXT = /\.(py|txt|csv|json|ya?ml|properties|conf|sql|xml|md|sh|r)$/i;

/**
 * Reads and checks a job file for a cluster, and takes the user's own files along. All findings at once.
 *
 * @throws BulwarkError as `parseJobFile`, or JOB_INVALID with a finding for each file that cannot be sent
 */
export async function readClusterJob(context: Context, file: string): Promise<ClusterJob> {
  const content = await readJobFile(context.cwd, file);
  const { work, warnings } = await checkClusterJob(content, { file, folder: dirname(resolve(context.cwd, file)) });
  for (const { line, message, mend } of warnings) context.progress.warn(`${file}:${line}  ${message}: ${mend}`);
  return work;
}

/** The same of a job file that was read; `folder` is where relative paths count from. */
export async function checkClusterJob(
  content: Buffer,
  { file, folder }: { file: string; folder: string },
): Promise<{ work: ClusterJob; warnings: readonly Finding[] }> {
  const { job, warnings, place } = parseJobFile(content, { file, target: "cluster" });
  const { sent, findings } = await packProgram(job, folder);
  if (findings.length === 0) return { work: { job: sent, ownSecrets: findOwnSecrets(content), place }, warnings };
  const placed = findings.map(place).toSorted(byPosition);
  const mend = `Correct the file, then: bulwark validate --cluster ${file}`;
  throw new BulwarkError("JOB_INVALID", `${file} has ${countFindings(findings)}`, mend, { findings: placed });
}

/** Keys of `security.secrets` that the file itself has; defaults do not count. */
function findOwnSecrets(content: Buffer): Set<string> {
  const tree = parse(content.toString("utf8"), { uniqueKeys: false }) as
    | { security?: { secrets?: Record<string, unknown> | null } | null }
    | undefined;
  return new Set(Object.keys(tree?.security?.secrets ?? {}));
}

/** A file of the job: where it is named, and where it lies on this machine. */
type Named = { path: string; name: string };

const isOwnFile = (location: string): boolean => !/^([a-zA-Z][a-zA-Z0-9+.-]*:|\/)/.test(location);

/** Puts the files that lie beside the job file into `program`, and names them by their names there. */
async function packProgram(job: JobFile, folder: string): Promise<{ sent: JobFile; findings: Finding[] }> {
  const program: Record<string, string> = { ...job.program };
  const findings: Finding[] = [];
  const take = async ({ path, name }: Named): Promise<string> => {
    if (!isOwnFile(name) || Object.hasOwn(job.program, name.replace(/^\.\//, ""))) return name;
    const entry = basename(name);
    const packed = await packFile(resolve(folder, name), name);
    const clash = Object.hasOwn(program, entry) && program[entry] !== packed.content;
    const message = clash ? `two files are called ${entry}` : packed.problem;
    if (message === undefined) program[entry] = packed.content ?? "";
    else findings.push({ code: "JOB_FILE_REFERENCE", path, message, mend: packed.mend });
    return entry;
  };
  const takeAll = (key: "jars" | "pyFiles" | "files"): Promise<string[]> =>
    Promise.all(job[key].map((name, index) => take({ path: `${key}.${index}`, name })));
  const sent: JobFile = {
    ...job,
    ...(job.python === undefined ? {} : { python: await take({ path: "python", name: job.python }) }),
    ...(job.jar === undefined ? {} : { jar: await take({ path: "jar", name: job.jar }) }),
    jars: await takeAll("jars"),
    pyFiles: await takeAll("pyFiles"),
    files: await takeAll("files"),
    program,
  };
  const size = Object.values(program).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (size > LARGEST_PROGRAM) {
    findings.push({
      code: "JOB_TOO_LARGE",
      path: "program",
      message: `the files of the program are ${Math.round(size / 1000)} kB together; ${LARGEST_PROGRAM / 1000} kB can be sent along`,
      mend: "put large files into the image and name them local:///PATH, or onto the claim (pvc)",
    });
  }
  return { sent, findings };
}

async function packFile(path: string, name: string): Promise<{ content?: string; problem?: string; mend: string }> {
  const mend = "correct the path; it counts from the job file. A file of the image is named local:///PATH";
  if (!FILE_NAME.test(basename(name))) {
    return {
      problem: `${name} cannot be sent: its name has more than letters, digits, dots and dashes`,
      mend: "rename the file",
    };
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true)
    return { problem: `${name} ${found === undefined ? "does not exist" : "is not a file"}`, mend };
  // What is far too large is not read; the sum is told later.
  if (found.size > LARGEST_PROGRAM) {
    return {
      problem: `${name} is ${Math.round(found.size / 1000)} kB; ${LARGEST_PROGRAM / 1000} kB can be sent along`,
      mend: "put it into the image and name it local:///PATH, or onto the claim (pvc)",
    };
  }
  const bytes = await readFile(path);
  return { content: toContent(bytes, name), mend };
}

/** Text as it is, so that people can read it in the cluster; anything else as base64. */
function toContent(bytes: Buffer, name: string): string {
  const text = bytes.toString("utf8");
  const isText =
    TEXT.test(name) && !text.includes("\0") && Buffer.from(text).equals(bytes) && !text.startsWith("base64:");
  return isText ? text : `base64:${bytes.toString("base64")}`;
}
