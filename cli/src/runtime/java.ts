// SPDX-License-Identifier: Apache-2.0
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, readdir, readFile, realpath, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { BulwarkError } from "@bulwark/contracts";
import { installCommand } from "./os-packages.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** One Java on this machine. */
export type Java = {
  /** Real path of the installation. */
  home: string;
  executable: string;
  /** As its maker writes it, for instance `17.0.15`. */
  version: string;
  major: number;
  vendor?: string;
  /** Has a compiler. */
  isJdk: boolean;
  /** Changes whenever the installation does: what is made for one build of Java (class archives) is keyed by it. */
  buildId: string;
};

export type JavaOptions = {
  env: Environment;
  /** Oldest major version that will do. */
  minimum: number;
  /** Newest major version that was tried; a newer one is taken only where there is no other. */
  maximum: number;
  /** The user's own choice. It alone is looked at, and it must fit. */
  javaHome?: string;
  /** Folders that hold installations; the usual ones of Linux and macOS by default. */
  folders?: readonly string[];
};

const JAVA_START_LIMIT_MS = 10_000;

function usualFolders(env: Environment): string[] {
  const home = env.HOME;
  return [
    "/usr/lib/jvm",
    "/usr/java",
    "/opt",
    "/Library/Java/JavaVirtualMachines",
    "/opt/homebrew/opt",
    ...(home === undefined ? [] : [join(home, ".sdkman/candidates/java"), join(home, ".jdks")]),
  ];
}

/**
 * Finds the Java to use. `javaHome` (a setting of ours) wins and is an error when unfit. Everything else, JAVA_HOME
 * included, is a candidate: it is often set for other tools, and newer Java is faster. Of the fitting ones the newest
 * that was tried wins; JAVA_HOME wins among equals.
 *
 * @throws JAVA_MISSING, JAVA_TOO_OLD
 */
export async function findJava(options: JavaOptions): Promise<Java> {
  if (options.javaHome !== undefined) return requireJava(options.javaHome, options.minimum);
  const found = await listJavas(options);
  const [best] = rankJavas(found, options);
  if (best !== undefined) return best;
  const mend = `${installCommand("java")} (or: bulwark config set javaHome FOLDER)`;
  if (found.length === 0) throw new BulwarkError("JAVA_MISSING", "No Java was found on this machine.", mend);
  const names = found.map((java) => `${java.version} in ${java.home}`).join(", ");
  throw new BulwarkError("JAVA_TOO_OLD", `Java ${options.minimum} or newer is needed; found ${names}.`, mend);
}

/** Fitting Javas, best first: tried versions before newer ones, then the newer major. The order found decides the rest. */
export function rankJavas(javas: readonly Java[], limits: { minimum: number; maximum: number }): Java[] {
  const tried = (java: Java) => (java.major <= limits.maximum ? 1 : 0);
  return javas
    .filter((java) => java.major >= limits.minimum)
    .toSorted((a, b) => tried(b) - tried(a) || (tried(a) ? b.major - a.major : a.major - b.major));
}

/** Every Java on this machine once, in the order JAVA_HOME, PATH, the usual folders. */
export async function listJavas(options: Pick<JavaOptions, "env" | "folders">): Promise<Java[]> {
  const { env } = options;
  const inPath = (env.PATH ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
  const executables = [
    ...(env.JAVA_HOME ? [join(env.JAVA_HOME, "bin/java")] : []),
    ...inPath.map((folder) => join(folder, "java")),
    ...(await executablesBelow(options.folders ?? usualFolders(env))),
  ];
  const javas = new Map<string, Java>();
  for (const executable of executables) {
    const java = await readJava(executable);
    if (java !== undefined && !javas.has(java.home)) javas.set(java.home, java);
  }
  return [...javas.values()];
}

async function executablesBelow(folders: readonly string[]): Promise<string[]> {
  const perFolder = folders.map(async (folder) => {
    const names = await readdir(folder).catch(() => []);
    return names
      .toSorted()
      .flatMap((name) => [
        join(folder, name, "bin/java"),
        join(folder, name, "Contents/Home/bin/java"),
        join(folder, name, "libexec/openjdk.jdk/Contents/Home/bin/java"),
      ]);
  });
  return (await Promise.all(perFolder)).flat();
}

async function requireJava(javaHome: string, minimum: number): Promise<Java> {
  const mend = `bulwark config set javaHome FOLDER (or ${installCommand("java")})`;
  const java = await readJava(join(javaHome, "bin/java"));
  if (java === undefined) throw new BulwarkError("JAVA_MISSING", `javaHome is ${javaHome}; no Java is there.`, mend);
  if (java.major >= minimum) return java;
  const message = `javaHome is ${javaHome}, Java ${java.version}; ${minimum} or newer is needed.`;
  throw new BulwarkError("JAVA_TOO_OLD", message, mend);
}

async function readJava(path: string): Promise<Java | undefined> {
  try {
    await access(path, constants.X_OK);
    const executable = await realpath(path);
    return (await readReleaseFile(executable)) ?? (await askJava(executable));
  } catch {
    return undefined;
  }
}

/** Reads the `release` file that every JDK since 9 carries, so that no process has to be started. */
async function readReleaseFile(executable: string): Promise<Java | undefined> {
  const home = dirname(dirname(executable));
  const text = await readFile(join(home, "release"), "utf8").catch(() => "");
  const fields = new Map([...text.matchAll(/^(\w+)="(.*)"$/gm)].map((match) => [match[1], match[2]]));
  const version = fields.get("JAVA_VERSION");
  if (version === undefined) return undefined;
  return describeJava({ home, executable, version, vendor: fields.get("IMPLEMENTOR"), build: text });
}

async function askJava(executable: string): Promise<Java | undefined> {
  const run = promisify(execFile);
  const { stderr } = await run(executable, ["-XshowSettings:properties", "-version"], { timeout: JAVA_START_LIMIT_MS });
  const property = (name: string) => new RegExp(`^\\s*${name.replaceAll(".", "\\.")} = (.*)$`, "m").exec(stderr)?.[1];
  const home = property("java.home");
  const version = property("java.version");
  if (home === undefined || version === undefined) return undefined;
  return describeJava({ home, executable, version, vendor: property("java.vendor"), build: stderr });
}

type Seen = { home: string; executable: string; version: string; vendor: string | undefined; build: string };

async function describeJava({ home, executable, version, vendor, build }: Seen): Promise<Java> {
  const major = parseJavaMajor(version);
  const isJdk = await stat(join(home, "bin/javac")).then(
    () => true,
    () => false,
  );
  const image = await stat(join(home, "lib/modules")).catch(() => undefined);
  const identity = [home, build, image?.size, image?.mtimeMs].join("\n");
  const buildId = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  return { home, executable, version, major, ...(vendor === undefined ? {} : { vendor }), isJdk, buildId };
}

/** `17.0.15` is 17, `1.8.0_402` is 8. Source: JEP 223. */
export function parseJavaMajor(version: string): number {
  const [first = "0", second = "0"] = version.split(/[._+-]/);
  return Number.parseInt(first === "1" ? second : first, 10) || 0;
}
