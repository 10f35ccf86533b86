// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { EXIT } from "@bulwark/contracts/errors";
import { createTestFolder } from "../testing/context.ts";

const TOOL = fileURLToPath(new URL("../testing/tool.ts", import.meta.url));
const home = createTestFolder();
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [TOOL, ...args], { cwd: home, env: { HOME: home, ...env }, stdio: "pipe" });
  children.add(child);
  return child;
}

/** Runs the tool to its end. */
async function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = start(args, env);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr, code };
}

test("the first signal lets a command end, and says so", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    const child = start(["wait"]);
    const stderr = text(child.stderr);
    await once(child.stdout, "data");
    child.kill(signal);
    assert.deepEqual(await once(child, "close"), [EXIT.interrupted, null]);
    assert.match(await stderr, /INTERRUPTED/);
  }
});

test("the second signal ends a command that does not", async () => {
  const child = start(["hang"]);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  await once(child.stderr, "data");
  assert.equal(child.exitCode, null);
  child.kill("SIGINT");
  assert.deepEqual(await once(child, "close"), [EXIT.interrupted, null]);
});

test("errors are one document on stdout under -o json, an interruption too", async () => {
  const child = start(["wait", "-o", "json"]);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    stdout += chunk;
  });
  await once(child.stdout, "data");
  child.kill("SIGINT");
  await once(child, "close");
  assert.equal(JSON.parse(stdout.replace(/^ready$/m, "")).error.code, "INTERRUPTED");

  const coded = await run(["coded", "--json"]);
  const { error } = JSON.parse(coded.stdout);
  assert.deepEqual([coded.code, coded.stderr], [EXIT.jobFailed, ""]);
  assert.deepEqual([error.code, error.mend, error.findings[0].line], ["JOB_FAILED", "look", 3]);
});

test("when nobody reads any more a command ends without a word", async () => {
  const child = start(["pour"]);
  const stderr = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  assert.deepEqual(await once(child, "close"), [EXIT.interrupted, null]);
  assert.equal(await stderr, "");
});

test("all of a long output arrives", async () => {
  const { stdout, code } = await run(["flood"]);
  assert.deepEqual([stdout.length, code], [5_000_001, EXIT.done]);
});

test("findings come first, the mend last, and no control character reaches a terminal", async () => {
  const { stdout, stderr, code } = await run(["coded"]);
  assert.deepEqual([stdout, code], ["", EXIT.jobFailed]);
  const lines = stderr.trimEnd().split("\n");
  assert.match(lines[0] ?? "", /a\.yaml:3:7 {2}bad {2}-> mend it/);
  assert.match(lines.at(-1) ?? "", /-> look$/);
  assert.ok(!stderr.includes("\u001b"));
});

test("what is foreign is a bug, with a stack under --debug alone", async () => {
  for (const command of ["foreign", "forgotten"]) {
    const short = await run([command]);
    assert.deepEqual([short.code, short.stdout], [EXIT.bug, ""], command);
    assert.match(short.stderr, /BUG/);
    assert.doesNotMatch(short.stderr, /\n {4}at /);
    assert.match((await run([command, "--debug"])).stderr, /TypeError: boom\n {4}at /);
    assert.equal(JSON.parse((await run([command, "-o", "json"])).stdout).error.code, "BUG");
  }
});

test("a command chooses its exit code and still prints", async () => {
  assert.deepEqual(await run(["exit"]), { stdout: "done\n", stderr: "", code: EXIT.refused });
  assert.deepEqual(JSON.parse((await run(["exit", "--json"])).stdout), { ended: true });
});

test("usage errors are told as the environment asks for", async () => {
  const { stdout, code } = await run(["exti"], { BULWARK_OUTPUT: "json" });
  const { error } = JSON.parse(stdout);
  assert.deepEqual([error.code, code], ["USAGE", EXIT.usage]);
  assert.match(error.mend, /exit/);
});

test("wrong settings stop a command before it starts", async () => {
  const { stderr, code } = await run(["exit"], { BULWARK_COLOR: "pink" });
  assert.equal(code, EXIT.invalid);
  assert.match(stderr, /BULWARK_COLOR/);
});
