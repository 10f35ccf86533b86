// SPDX-License-Identifier: Apache-2.0
// The layers of tests: what each needs, and how it runs. Plain JavaScript, run by whatever Node is there.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError, chooseMaven, ensureJar, ensureServingJar } from "./build-jvm.mjs";
import { runChild } from "./child.mjs";
import { findMissing } from "./programs.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const NODE = join(BIN, "node");
/** Starts a node around the tests of its layer. */
const CLUSTER = join(ROOT, "test", "cluster", "main.ts");
/** `bulwark doctor --install` exits so when only this machine's other checks fail. */
const CHECKS_FAILED = 3;

/** @typedef {{ passed: number, failed: number, skipped: number, failures?: string[] }} Counts `failures`: file, test and why */
/** @typedef {{ name: string, about: string, needs: () => { message: string, mend: string }[], run: () => Promise<Counts> }} Layer */

/** @type {readonly Layer[]} */
export const LAYERS = [
  {
    name: "check",
    about: "format, lint, types, generated files",
    needs: () => [],
    run: async () => {
      const checks = [
        [join(BIN, "biome"), ["check", "--error-on-warnings", "."]],
        [join(BIN, "tsc"), ["--noEmit"]],
        [NODE, [join("scripts", "generate.ts"), "--check"]],
      ];
      const counts = { passed: 0, failed: 0, skipped: 0 };
      for (const [command, args] of checks) {
        counts[(await runChild(command, args, { cwd: ROOT })) === 0 ? "passed" : "failed"]++;
      }
      return counts;
    },
  },
  {
    name: "unit",
    about: "unit, property and process tests beside the source",
    needs: () => [],
    run: () => runNodeTests(["packages/**/*.test.ts", "services/**/*.test.ts", "cli/**/*.test.ts", "test/*.test.ts"]),
  },
  {
    name: "serving",
    about: "real Redis, engines and clients on this machine; what is killed under load",
    needs: () => [],
    run: () => runNodeTests(["test/serving/*.test.ts"], ["--test-concurrency=1"]),
  },
  {
    name: "flink",
    about: "the serving engine on a real Flink; what is killed under load",
    needs: () => findMissing(["jdk"]),
    run: async () => {
      if (!(await isBuilt(ensureServingJar))) return { passed: 0, failed: 1, skipped: 0 };
      return runNodeTests(["test/flink/*.test.ts"], ["--test-concurrency=1"]);
    },
  },
  {
    name: "jvm",
    about: "JUnit tests of jvm/",
    needs: () => findMissing(["jdk"]),
    run: async () => {
      const spark = await runMavenTests("jvm", sparkHomeOption());
      const serving = await runMavenTests(join("jvm", "serving"), []);
      return {
        passed: spark.passed + serving.passed,
        failed: spark.failed + serving.failed,
        skipped: spark.skipped + serving.skipped,
      };
    },
  },
  {
    name: "e2e",
    about: "real Spark on this machine",
    needs: () => findMissing(["python", "jdk"]),
    run: async () => {
      if (!(await prepareGround())) return { passed: 0, failed: 1, skipped: 0 };
      return runNodeTests(["test/e2e/*.test.ts"], ["--test-concurrency=1"]);
    },
  },
  {
    name: "cluster",
    about: "a real Kubernetes node on this machine",
    needs: () => {
      const { status, stdout, stderr } = spawnSync(NODE, [CLUSTER, "missing"], { encoding: "utf8" });
      return status === 0 ? JSON.parse(stdout) : [{ message: stderr.trim(), mend: "npm run cluster -- prepare" }];
    },
    run: async () => {
      if (!(await prepareGround())) return { passed: 0, failed: 1, skipped: 0 };
      return runNodeTests(["test/cluster/*.test.ts"], [], [CLUSTER, "layer"]);
    },
  },
];

/** Where Spark is installed already, the tests that start it run, too, and on its own jars. */
function sparkHomeOption() {
  const { stdout } = spawnSync(join(ROOT, "bulwark"), ["doctor", "-o", "json", "--quiet"], { encoding: "utf8" });
  try {
    const { sparkHome } = JSON.parse(stdout);
    return sparkHome === undefined ? [] : [`-Dspark.home=${sparkHome}`];
  } catch {
    return [];
  }
}

/**
 * @param {readonly string[]} patterns
 * @param {readonly string[]} flags of Node's test runner
 * @param {readonly string[]} runner what starts it
 */
async function runNodeTests(patterns, flags = [], runner = ["--test"]) {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-test-"));
  try {
    const counts = join(folder, "counts.json");
    const reporter = join(ROOT, "scripts", "count-reporter.mjs");
    const args = [
      ...[...runner, ...flags],
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${counts}`],
      ...patterns,
    ];
    const code = await runChild(NODE, args, { cwd: ROOT });
    return failUnlessCounted(code, readCounts(counts));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {Counts} none when the runner did not get so far as to count */
function readCounts(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

/** A runner that failed without a failed test (it crashed, or nothing compiled) counts as one. */
function failUnlessCounted(code, counts) {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** Runs the JUnit tests of one Maven project. @param {string} folder @param {readonly string[]} options */
async function runMavenTests(folder, options) {
  const reports = join(ROOT, folder, "target", "surefire-reports");
  rmSync(reports, { recursive: true, force: true });
  const args = ["--batch-mode", "--no-transfer-progress", "-f", join(folder, "pom.xml"), ...options, "test"];
  const code = await runChild(chooseMaven(), args, { cwd: ROOT });
  return failUnlessCounted(code, countSurefire(reports));
}

/** Sums what Maven's surefire wrote, one XML file for each class. */
function countSurefire(reports) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const name of listReports(reports)) {
    const suite = /<testsuite\b[^>]*>/.exec(readFileSync(join(reports, name), "utf8"))?.[0] ?? "";
    const read = (attribute) => Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = read("failures") + read("errors");
    counts.failed += failed;
    counts.skipped += read("skipped");
    counts.passed += read("tests") - failed - read("skipped");
  }
  return counts;
}

function listReports(reports) {
  try {
    return readdirSync(reports).filter((name) => /^TEST-.*\.xml$/.test(name));
  } catch {
    return [];
  }
}

/** @param {() => Promise<unknown>} ensure */
async function isBuilt(ensure) {
  try {
    await ensure();
    return true;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n  -> ${error.mend}\n`);
    return false;
  }
}

/** Builds our jar and installs Spark unless both are there. */
async function prepareGround() {
  if (!(await isBuilt(ensureJar))) return false;
  const code = await runChild(join(ROOT, "bulwark"), ["doctor", "--install"], { cwd: ROOT });
  if (code === 0 || code === CHECKS_FAILED) return true;
  process.stderr.write(`${relative(ROOT, join(ROOT, "bulwark"))} doctor --install ended with exit code ${code}\n`);
  return false;
}
