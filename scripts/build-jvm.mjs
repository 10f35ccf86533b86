// SPDX-License-Identifier: Apache-2.0
// Builds jvm/target/bulwark.jar when its sources changed. Plain JavaScript: it may run before dependencies are installed.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const JVM = join(ROOT, "jvm");
const JAR = join(JVM, "target", "bulwark.jar");
const STAMP = join(JVM, "target", "bulwark.stamp");
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
 * Builds the jar unless it was built from exactly these sources.
 *
 * @param {{ say?: (line: string) => void }} options where progress goes
 * @returns {Promise<{ jar: string, isFresh: boolean }>} isFresh: it was built now
 */
export async function ensureJar({ say = (line) => process.stderr.write(`${line}\n`) } = {}) {
  const digest = digestSources();
  if (existsSync(JAR) && readStamp() === `${digest} ${digestFile(JAR)}`) return { jar: JAR, isFresh: false };
  requireCompiler();
  const maven = chooseMaven();
  say(`Building jvm/target/bulwark.jar with ${relative(ROOT, maven) === "jvm/mvnw" ? "the Maven wrapper" : "mvn"} ...`);
  const startedAt = Date.now();
  await runMaven(maven, say);
  if (!existsSync(JAR))
    throw new BuildError(`Maven made no ${relative(ROOT, JAR)}.`, "Look at jvm/pom.xml: finalName.");
  writeFileSync(STAMP, `${digest} ${digestFile(JAR)}`);
  say(`Building jvm/target/bulwark.jar ... done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  return { jar: JAR, isFresh: true };
}

/** One digest over everything that the main jar is made from. Tests are not. */
function digestSources() {
  const files = ["pom.xml", ...listFiles("src/main")].sort();
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file}\0${digestFile(join(JVM, file))}\n`);
  return hash.digest("hex");
}

/** @param {string} folder relative to jvm/ @returns {string[]} */
function listFiles(folder) {
  const entries = readdirSync(join(JVM, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

/** @param {string} path */
function digestFile(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function readStamp() {
  return existsSync(STAMP) ? readFileSync(STAMP, "utf8") : "";
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
 * @param {(line: string) => void} say
 */
async function runMaven(maven, say) {
  const args = [
    "--batch-mode",
    "--no-transfer-progress",
    "-Dmaven.test.skip=true",
    "-f",
    join(JVM, "pom.xml"),
    "package",
  ];
  const child = spawn(maven, args, { cwd: JVM, stdio: ["ignore", "pipe", "pipe"] });
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
  throw new BuildError(`Maven failed:\n${shown}`, `${maven} -f ${join(JVM, "pom.xml")} package`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { jar, isFresh } = await ensureJar();
    process.stdout.write(`${jar}${isFresh ? "" : " (up to date)"}\n`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n${error.mend}\n`);
    process.exitCode = 3;
  }
}
