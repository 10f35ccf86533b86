// SPDX-License-Identifier: Apache-2.0
// From a fresh clone to a trusted machine-learning job on real data. Plain JavaScript without dependencies, because it
// is what installs them. Everything it makes is kept, so the second time takes seconds.
import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureJar } from "./build-jvm.mjs";
import { ensureInstalled } from "./install.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIAGNOSIS = join(ROOT, "examples", "diagnosis");
const TABLE = join(DIAGNOSIS, "data", "patients.csv");
const ENCRYPTED = join(DIAGNOSIS, "data", "patients.parquet");

const say = (line) => process.stderr.write(`${line}\n`);

/** Runs the tool; what it prints is shown, or returned when `capture` is set. Ends with it when it fails. */
function bulwark(args, { capture = false } = {}) {
  return run(join(ROOT, "bulwark"), args, capture);
}

async function run(command, args, capture) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", capture ? "pipe" : "inherit", "inherit"] });
  const pass = (signal) => child.kill(signal);
  process.on("SIGINT", pass).on("SIGTERM", pass);
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise((resolve, reject) =>
    child.once("error", reject).once("exit", (status) => resolve(status ?? 1)),
  );
  process.off("SIGINT", pass).off("SIGTERM", pass);
  if (code !== 0) process.exit(code);
  return output;
}

/** The table of patients, encrypted column by column, and how; the plain copy does not stay. */
async function encryptPatients() {
  if (existsSync(ENCRYPTED)) return bulwark(["data", "inspect", ENCRYPTED]);
  say("Fetching the breast-cancer table (569 patients, from the scikit-learn package)");
  const { python } = JSON.parse(await bulwark(["doctor", "--install", "-o", "json", "--quiet"], { capture: true }));
  try {
    await run(python, [join(DIAGNOSIS, "get_data.py"), TABLE], false);
    await bulwark(["data", "encrypt", TABLE, ENCRYPTED, "--key", "patients", "--column", "diagnosis=labels"]);
  } finally {
    rmSync(TABLE, { force: true });
  }
}

async function main() {
  say("Bulwark: a trusted Spark job on this machine\n");
  say("1 of 4: what it runs on");
  await ensureInstalled({ say });
  await ensureJar({ say });
  await bulwark(["keys", "init", "--if-missing", "--data", "patients", "labels", "models", "sales"], { capture: true });
  await bulwark(["doctor", "--install"]);
  say("\n2 of 4: Pi, on a driver and two executors that speak AES-GCM");
  await bulwark(["run", join("examples", "spark-pi", "job.yaml")]);
  say("\n3 of 4: real data, encrypted");
  await encryptPatients();
  say("\n4 of 4: is a tumour malignant? Trained on the encrypted table");
  await bulwark(["run", join("examples", "diagnosis", "job.yaml")]);
  say(`
Next:
  ./bulwark run YOUR_PROGRAM.py -- ARGS     your own Spark program, secured as it is
  ./bulwark status --security               the report of the newest run again
  ./bulwark ui                              its stages and tasks in a browser`);
}

main().catch((error) => {
  say(`\n${error.message}${error.mend ? `\n  -> ${error.mend}` : ""}`);
  process.exit(1);
});
