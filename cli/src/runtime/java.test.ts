// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { findJava, listJavas, parseJavaMajor, rankJavas } from "./java.ts";
import { installCommand } from "./os-packages.ts";

let root: string;
const limits = { minimum: 17, maximum: 25 };

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "bulwark-java-")));
});
afterEach(() => rm(root, { recursive: true }));

async function plantJava(name: string, version: string, options: { jdk?: boolean; release?: boolean } = {}) {
  const home = join(root, name);
  await mkdir(join(home, "bin"), { recursive: true });
  await mkdir(join(home, "lib"));
  const answer = `#!/bin/sh\nprintf '    java.home = %s\\n    java.version = %s\\n' '${home}' '${version}' >&2\n`;
  await writeFile(join(home, "bin/java"), answer, { mode: 0o755 });
  await writeFile(join(home, "lib/modules"), name);
  if (options.jdk) await writeFile(join(home, "bin/javac"), "", { mode: 0o755 });
  if (options.release !== false)
    await writeFile(join(home, "release"), `IMPLEMENTOR="Acme"\nJAVA_VERSION="${version}"\n`);
  return home;
}

const search = (env: Record<string, string> = {}) => ({ env, ...limits, folders: [root] });

test("the newest tried Java wins, whatever JAVA_HOME says", async () => {
  const old = await plantJava("a", "17.0.1", { jdk: true });
  const best = await plantJava("b", "25.0.3");
  await plantJava("c", "26");
  await plantJava("d", "1.8.0_402");
  const java = await findJava(search({ JAVA_HOME: old }));
  assert.equal(java.home, best);
  assert.equal(java.major, 25);
  assert.equal(java.vendor, "Acme");
  assert.equal(java.isJdk, false);
});

test("JAVA_HOME wins among equals, and a Java newer than tried is the last resort", async () => {
  await plantJava("a", "21.0.1");
  const second = await plantJava("b", "21.0.1");
  assert.equal((await findJava(search({ JAVA_HOME: second }))).home, second);
  await rm(join(root, "a"), { recursive: true });
  await rm(join(root, "b"), { recursive: true });
  const next = await plantJava("n", "26.0.1");
  await plantJava("o", "27");
  assert.equal((await findJava(search())).home, next);
});

test("each installation is listed once, however many links lead to it", async () => {
  const home = await plantJava("real", "17.0.1");
  await symlink(home, join(root, "link"));
  await mkdir(join(root, "path"));
  await symlink(join(home, "bin/java"), join(root, "path/java"));
  const javas = await listJavas({ env: { PATH: join(root, "path"), JAVA_HOME: join(root, "link") }, folders: [root] });
  assert.deepEqual(
    javas.map((java) => java.home),
    [home],
  );
});

test("without a release file the Java itself is asked", async () => {
  const home = await plantJava("bare", "21.0.2", { release: false });
  const java = await findJava(search());
  assert.deepEqual([java.home, java.version, java.major], [home, "21.0.2", 21]);
});

test("the build id changes when the installation does", async () => {
  const home = await plantJava("a", "21.0.2");
  const before = (await findJava(search())).buildId;
  assert.equal((await findJava(search())).buildId, before);
  await utimes(join(home, "lib/modules"), 1, 1);
  assert.notEqual((await findJava(search())).buildId, before);
});

test("no Java and only old Java are told apart", async () => {
  await assert.rejects(findJava(search()), { code: "JAVA_MISSING" });
  await plantJava("a", "11.0.2");
  await assert.rejects(findJava(search()), { code: "JAVA_TOO_OLD" });
});

test("the javaHome setting wins and must fit", async () => {
  const chosen = await plantJava("a", "17.0.1");
  await plantJava("b", "25");
  const old = await plantJava("c", "11.0.2");
  assert.equal((await findJava({ ...search(), javaHome: chosen })).home, chosen);
  await assert.rejects(findJava({ ...search(), javaHome: old }), { code: "JAVA_TOO_OLD" });
  await assert.rejects(findJava({ ...search(), javaHome: join(root, "none") }), { code: "JAVA_MISSING" });
});

test("a file named java that cannot be started is passed over", async () => {
  const home = await plantJava("a", "21", { release: false });
  await chmod(join(home, "bin/java"), 0o644);
  assert.deepEqual(await listJavas({ env: {}, folders: [root] }), []);
});

test("versions of either scheme have a major", () => {
  const table = { "17.0.15": 17, "1.8.0_402": 8, "25": 25, "21-ea": 21, "24.0.1+9": 24, "": 0 };
  for (const [version, major] of Object.entries(table)) assert.equal(parseJavaMajor(version), major, version);
  assert.deepEqual(rankJavas([], limits), []);
});

test("the install command follows os-release", () => {
  assert.match(installCommand("java", 'ID=debian\nVERSION_ID="12"\n'), /apt-get.*openjdk-17/);
  assert.match(installCommand("java", 'ID=debian\nVERSION_ID="13"\n'), /openjdk-21/);
  assert.match(installCommand("venv", 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'), /python3-venv/);
  assert.match(installCommand("java", 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"'), /dnf.*java-21/);
  assert.match(installCommand("python", "ID=haiku\n"), /Python 3\.10/);
});
