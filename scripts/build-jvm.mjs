// SPDX-License-Identifier: Apache-2.0
// Builds the jars of jvm/ when their sources changed. Plain JavaScript: it may run before dependencies are installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const JVM = join(ROOT, "jvm");

/** What is built: each a Maven project of its own, so that Spark's and Flink's class paths never meet. */
/** @typedef {{ folder: string, jar: string, sources: readonly string[] }} Project */

/** @type {Project} */
const SPARK = { folder: JVM, jar: join(JVM, "target", "bulwark.jar"), sources: ["pom.xml", "src/main"] };
/** The serving job, with Flink and everything else it needs in `target/lib`. @type {Project} */
const SERVING = {
  folder: join(JVM, "serving"),
  jar: join(JVM, "serving", "target", "bulwark-serving.jar"),
  sources: ["pom.xml", "src/main", "../../packages/queue/src/redis/lua"],
};
/** Lines of Maven's log that are kept for a failure. */
const KEPT_LINES = 40;

/** A build that cannot be made, with what to do about it. */
export class BuildError extends Error {
  /** @param {string} message @param {string} mend */
  constructor(message, mend) {
    super(message);
    this.mend = mend;
  }
}

/**
 * Builds Bulwark's jar for Spark unless it was built from exactly these sources.
 *
 * @param {{ say?: (line: string) => void }} options where progress goes
 * @returns {Promise<{ jar: string, isFresh: boolean }>} isFresh: it was built now
 */
export function ensureJar(options = {}) {
  return ensure(SPARK, options);
}

/** The same for the serving job of Flink. @param {{ say?: (line: string) => void }} options */
export function ensureServingJar(options = {}) {
  return ensure(SERVING, options);
}

/**
 * @param {Project} project
 * @param {{ say?: (line: string) => void }} options
 */
async function ensure(project, { say = (line) => process.stderr.write(`${line}\n`) }) {
  const { jar } = project;
  const stamp = jar.replace(/jar$/, "stamp");
  const name = relative(ROOT, jar);
  const digest = digestSources(project);
  const built = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (existsSync(jar) && built === `${digest} ${digestFile(jar)}`) return { jar, isFresh: false };
  requireCompiler();
  const maven = chooseMaven();
  say(`Building ${name} with ${relative(ROOT, maven) === "jvm/mvnw" ? "the Maven wrapper" : "mvn"} ...`);
  const startedAt = Date.now();
  await runMaven(maven, project, say);
  if (!existsSync(jar)) throw new BuildError(`Maven made no ${name}.`, "Look at the pom.xml: finalName.");
  writeFileSync(stamp, `${digest} ${digestFile(jar)}`);
  say(`Building ${name} ... done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return { jar, isFresh: true };
}

/** One digest over everything that a jar is made from. Tests are not. @param {Project} project */
function digestSources({ folder, sources }) {
  const files = sources.flatMap((source) => listFiles(folder, source)).sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0${digestFile(join(folder, file))}\n`);
  return hash.digest("hex");
}

/** @param {string} folder @param {string} path a file or folder in it @returns {string[]} paths in `folder` */
function listFiles(folder, path) {
  if (!statSync(join(folder, path)).isDirectory()) return [path];
  return readdirSync(join(folder, path)).flatMap((name) => listFiles(folder, join(path, name)));
}

/** @param {string} path */
function digestFile(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function requireCompiler() {
  const javaHome = process.env.JAVA_HOME;
  const javac = javaHome ? join(javaHome, "bin", "javac") : "javac";
  const { status, stdout, stderr } = spawnSync(javac, ["-version"], { encoding: "utf8" });
  const major = Number(/javac (\d+)/.exec(`${stdout}${stderr}`)?.[1] ?? 0);
  const { java } = readPins();
  const mend = `Install a JDK ${java.minimum} or newer, or set JAVA_HOME to one.`;
  if (status !== 0)
    throw new BuildError(javaHome ? `JAVA_HOME is ${javaHome}; no javac is there.` : "There is no javac.", mend);
  if (major < java.minimum) throw new BuildError(`javac is of version ${major}.`, mend);
}

/** An installed Maven that is new enough, else the wrapper, which brings the pinned one and checks its digest. */
export function chooseMaven() {
  const { stdout } = spawnSync("mvn", ["-version"], { encoding: "utf8" });
  const found = /Apache Maven (\d+)\.(\d+)/.exec(stdout ?? "");
  const [major, minor] = readPins().maven.minimum.split(".").map(Number);
  const fits =
    found !== null && (Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor));
  return fits ? "mvn" : join(JVM, "mvnw");
}

function readPins() {
  return JSON.parse(readFileSync(join(ROOT, "versions.json"), "utf8"));
}

/**
 * @param {string} maven
 * @param {Project} project
 * @param {(line: string) => void} say
 */
async function runMaven(maven, { folder }, say) {
  const pom = join(folder, "pom.xml");
  const args = ["--batch-mode", "--no-transfer-progress", "-Dmaven.test.skip=true", "-f", pom, "package"];
  const child = spawn(maven, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const lines = [];
  const keep = (/** @type {Buffer} */ chunk) => {
    for (const line of chunk
      .toString()
      .split("\n")
      .filter((text) => text.trim() !== "")) {
      // The goals are the progress: resources, compile, jar.
      const goal = /--- (?:maven-)?(\w+)[\w-]*:[\d.]+:(\w+)/.exec(line)?.[2];
      if (goal) say(`  ${goal}`);
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
    }
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const code = await new Promise((resolve) => {
    child.on("error", (error) => {
      lines.push(error.message);
      resolve(-1);
    });
    child.on("close", resolve);
  });
  if (code === 0) return;
  const errors = lines.filter((line) => /ERROR|rror:/.test(line));
  const shown = (errors.length > 0 ? errors : lines).join("\n");
  throw new BuildError(`Maven failed:\n${shown}`, `${maven} -f ${pom} package`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { jar, isFresh } = await (process.argv[2] === "serving" ? ensureServingJar() : ensureJar());
    process.stdout.write(`${jar}${isFresh ? "" : " (up to date)"}\n`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n${error.mend}\n`);
    process.exitCode = 3;
  }
}
