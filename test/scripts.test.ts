// SPDX-License-Identifier: Apache-2.0
// The scripts that run before anything is installed: what they do on a machine that lacks things.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { identifyProcess, isSameProcess } from "../cli/src/runs/processes.ts";
import { createTestFolder } from "../cli/src/testing/context.ts";

const SCRIPTS = join(import.meta.dirname, "..", "scripts");
const SHELL_PROGRAMS = ["sh", "sleep", "mkdir", "touch", "cat"];

function write(path: string, content: string, mode = 0o600): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** A folder for PATH with a few programs of the shell, and those given as scripts. */
function makePath(programs: Readonly<Record<string, string>>): string {
  const folder = createTestFolder();
  for (const name of SHELL_PROGRAMS) symlinkSync(`/bin/${name}`, join(folder, name));
  for (const [name, script] of Object.entries(programs)) write(join(folder, name), `#!/bin/sh\n${script}\n`, 0o700);
  return folder;
}

/** A root with a lock file of one package, and an npm that notes each call and installs what `./bulwark` needs. */
function makeRoot() {
  const root = createTestFolder();
  const packages = { "": {}, "node_modules/a": { version: "1.0.0", integrity: "sha512-x" } };
  write(join(root, "package-lock.json"), JSON.stringify({ packages }));
  const calls = join(root, "calls");
  const npm = `[ "$1" = --version ] && { echo 11; exit; }
echo "$1" >> "${calls}"
echo "npm warn something old" >&2
sleep 0.3
mkdir -p node_modules/.bin
touch node_modules/.bin/node`;
  return { root, npm, calls: () => readFileSync(calls, "utf8").trim().split("\n") };
}

/** Starts `ensureInstalled` of a root in a process of its own. */
function startInstall(root: string, PATH: string) {
  const code = `import { ensureInstalled } from ${JSON.stringify(join(SCRIPTS, "install.mjs"))};
try { console.log(JSON.stringify(await ensureInstalled({ root: ${JSON.stringify(root)} }))); }
catch (error) { console.log(JSON.stringify({ message: error.message, mend: error.mend })); process.exitCode = 3; }`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], {
    env: { PATH },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

type Installed = { isFresh?: boolean; message?: string; mend?: string; code: number; said: string };

async function install(root: string, PATH: string): Promise<Installed> {
  const child = startInstall(root, PATH);
  const [stdout, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { ...JSON.parse(stdout), code, said };
}

test("npm runs once for a lock file, and says nothing of warnings when it succeeds", async () => {
  const { root, npm, calls } = makeRoot();
  const PATH = makePath({ npm });
  const first = await install(root, PATH);
  assert.equal(first.isFresh, true);
  assert.doesNotMatch(first.said, /warn/);
  const second = await install(root, PATH);
  assert.deepEqual([second.isFresh, second.said], [false, ""]);
  assert.deepEqual(calls(), ["ci"]);
  write(
    join(root, "package-lock.json"),
    JSON.stringify({ packages: { "": {}, "node_modules/b": { version: "2.0.0" } } }),
  );
  assert.equal((await install(root, PATH)).isFresh, true);
  assert.deepEqual(calls(), ["ci", "ci"]);
});

test("two at once install once", async () => {
  const { root, npm, calls } = makeRoot();
  const PATH = makePath({ npm });
  const results = await Promise.all([install(root, PATH), install(root, PATH), install(root, PATH)]);
  assert.deepEqual(results.map(({ isFresh }) => isFresh).sort(), [false, false, true]);
  assert.deepEqual(calls(), ["ci"]);
});

test("what npm itself installed from this lock file is taken as it is", async () => {
  const { root } = makeRoot();
  write(join(root, "node_modules", ".bin", "node"), "");
  const nothing = makePath({});
  write(join(root, "node_modules", ".package-lock.json"), readFileSync(join(root, "package-lock.json"), "utf8"));
  assert.equal((await install(root, nothing)).isFresh, false);
});

test("an installation that does not fit, or was cut off, is made again", async () => {
  const { root, npm } = makeRoot();
  write(join(root, "node_modules", ".bin", "node"), "");
  const other = { packages: { "node_modules/a": { version: "1.0.0", integrity: "sha512-y" } } };
  write(join(root, "node_modules", ".package-lock.json"), JSON.stringify(other));
  assert.equal((await install(root, makePath({ npm }))).isFresh, true);
});

test("a failing npm is quoted, with the command to try", async () => {
  const { root } = makeRoot();
  const npm = `[ "$1" = --version ] && { echo 11; exit; }
echo "npm http fetch GET 200 noise 1ms" >&2
echo "npm warn old" >&2
echo "npm error no space left" >&2
exit 28`;
  const { code, message, mend } = await install(root, makePath({ npm }));
  assert.equal(code, 3);
  assert.match(message ?? "", /npm warn old\nnpm error no space left/);
  assert.doesNotMatch(message ?? "", /noise/);
  assert.match(mend ?? "", /npm ci/);
});

test("a machine without npm is told what to install", async () => {
  const { root } = makeRoot();
  const { code, message, mend } = await install(root, makePath({}));
  assert.equal(code, 3);
  assert.match(message ?? "", /npm/);
  assert.match(mend ?? "", /npm/);
});

test("npm does not outlive a script that is stopped", async () => {
  const { root } = makeRoot();
  const pidFile = join(root, "pid");
  const npm = `[ "$1" = --version ] && { echo 11; exit; }
sleep 600 &
echo $! > "${pidFile}"
echo "npm http fetch GET 200 started" >&2
wait`;
  const child = startInstall(root, makePath({ npm }));
  const readPid = (): number => Number(spawnSync("cat", [pidFile], { encoding: "utf8" }).stdout);
  let pid = 0;
  for (const limit = Date.now() + 20_000; pid === 0 && Date.now() < limit; pid = readPid()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const grandchild = identifyProcess(pid);
  assert.ok(grandchild, "npm did not start");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "close"), [143, null]);
  assert.equal(isSameProcess(grandchild), false);
});

function runTests(args: readonly string[], PATH: string) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(SCRIPTS, "test.mjs"), ...args], {
    env: { PATH },
    encoding: "utf8",
  });
  return { status, stderr, stdout, last: stdout.trimEnd().split("\n").at(-1) };
}

test("layers are listed, and one that does not exist is refused", () => {
  const { status, stdout } = runTests(["--list"], makePath({}));
  assert.equal(status, 0);
  assert.deepEqual(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ")[0]),
    ["check", "unit", "serving", "flink", "jvm", "e2e", "cluster"],
  );
  for (const args of [["--only", "unti"], ["--skip", "x"], ["--fast"], ["unit"]]) {
    assert.equal(runTests(args, makePath({})).status, 2, args.join(" "));
  }
});

test("a layer whose needs are absent is left out by name with the reason; no test at all is a failure", () => {
  const path = makePath({ python3: "echo Python 3.9.2", javac: "echo javac 11.0.2" });
  const { status, stdout, last } = runTests(["--only", "jvm,e2e"], path);
  assert.equal(status, 1);
  assert.equal(last, "tests: 0 passed, 0 failed, 0 skipped");
  const line = (name: string): string => stdout.split("\n").find((each) => each.startsWith(name)) ?? "";
  assert.match(line("jvm"), /left out.*11.*JDK 17.*npm test -- --only jvm/);
  assert.match(line("e2e"), /left out.*3\.9.*Python 3\.10.*npm test -- --only e2e/);
  assert.match(line("unit"), /left out.*npm test -- --only unit/);
});
