// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { sparkClassPath } from "./classpath.ts";
import type { Java } from "./java.ts";
import type { SparkHome } from "./spark-home.ts";

/** Which process an archive is for: they load different classes. */
export type ArchiveRole = "driver" | "executor";

/** A class-data-sharing archive: the loaded classes of one role, for one build of Java and one class path. */
export type Archive = {
  folder: string;
  /** What it fits: role, Java, class path. */
  key: string;
  /** The archive, where one was made. */
  path?: string;
};

/** What the processes of a job start with: the class path, and an archive for each role where one was made. */
export type Archives = {
  classPath: readonly string[];
  roles: Readonly<Record<ArchiveRole, Archive>>;
  /** JVM options of a role. */
  flags(role: ArchiveRole): string[];
};

/** How many archives of one role are kept: a second Java or Spark may take turns with the first. */
const KEPT_PER_ROLE = 4;

/** The JVM's log goes to stdout by default, where the job's output is; an archive that does not fit is no error. */
const QUIET = ["-Xlog:disable", "-Xlog:all=error,cds*=off:stderr"];

/**
 * Finds the archive of a role. One that does not fit the Java and the class path is never found; nor is one whose size
 * is not the size it was published with, because Java 17 dies of a truncated archive.
 */
export async function archiveFor(
  java: Pick<Java, "buildId" | "major">,
  classPath: readonly string[],
  role: ArchiveRole,
  cacheDir: string,
): Promise<Archive> {
  const folder = join(cacheDir, "archives");
  const identities = classPath.map(async (path) => {
    const { size, mtimeMs } = await stat(path);
    return `${path}\t${size}\t${mtimeMs}`;
  });
  const identity = [java.buildId, ...(await Promise.all(identities))].join("\n");
  const hash = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  const key = `${role}-java${java.major}-${hash}`;
  for (const name of await readdir(folder).catch((): string[] => [])) {
    const size = new RegExp(`^${key}-(\\d+)\\.jsa$`).exec(name)?.[1];
    const path = join(folder, name);
    if (size !== undefined && (await stat(path)).size === Number(size)) return { folder, key, path };
  }
  return { folder, key };
}

/** Finds the archives of both roles for a Java, a Spark and our jar. */
export async function findArchives(ground: {
  java: Pick<Java, "buildId" | "major">;
  spark: Pick<SparkHome, "jars">;
  jar: string;
  cacheDir: string;
}): Promise<Archives> {
  const classPath = sparkClassPath(ground.spark, ground.jar);
  const find = (role: ArchiveRole) => archiveFor(ground.java, classPath, role, ground.cacheDir);
  const [driver, executor] = await Promise.all([find("driver"), find("executor")]);
  const roles = { driver, executor };
  return { classPath, roles, flags: (role) => archiveUseFlags(roles[role]) };
}

/** JVM options that use the archive; only the quiet ones where there is none. */
export function archiveUseFlags(archive: Archive): string[] {
  return archive.path === undefined ? QUIET : [`-XX:SharedArchiveFile=${archive.path}`, "-Xshare:auto", ...QUIET];
}

/** JVM options that write an archive into `file` when the JVM ends by itself. Takes some seconds at its end. */
export function archiveTrainFlags(file: string): string[] {
  return [`-XX:ArchiveClassesAtExit=${file}`, ...QUIET];
}

/** Where a training run writes; renamed by `publishArchive`. `token` keeps runs at the same time apart. */
export async function archiveTrainingFile(archive: Archive, token: string): Promise<string> {
  await mkdir(archive.folder, { recursive: true, mode: 0o700 });
  return join(archive.folder, `training-${archive.key}-${token}.jsa`);
}

/**
 * Puts a trained archive in its place and removes the oldest ones of its role.
 *
 * @returns the archive with its path; without one where the training run wrote nothing
 */
export async function publishArchive(archive: Archive, trained: string): Promise<Archive> {
  const file = await open(trained, "r").catch(() => undefined);
  if (file === undefined) return archive;
  const { size } = await file.stat();
  await file.sync();
  await file.close();
  const path = join(archive.folder, `${archive.key}-${size}.jsa`);
  await rename(trained, path);
  await prune(archive, path);
  return { ...archive, path };
}

async function prune(archive: Archive, latest: string): Promise<void> {
  const role = archive.key.slice(0, archive.key.indexOf("-"));
  const names = (await readdir(archive.folder)).filter((name) => name.startsWith(`${role}-`));
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(archive.folder, name);
      return { path, mtimeMs: path === latest ? Number.POSITIVE_INFINITY : (await stat(path)).mtimeMs };
    }),
  );
  const old = aged.toSorted((a, b) => b.mtimeMs - a.mtimeMs).slice(KEPT_PER_ROLE);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
