// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { BulwarkError, Finding } from "@bulwark/contracts/errors";
import { createTestFolder } from "../testing/context.ts";
import { type ResolvedSetting, resolveSettings } from "./load.ts";
import { DEFAULTS, SETTING_NAMES, SETTINGS, type SettingSpec, toVariable } from "./settings.ts";

/** A home with a project below it, and the files that were asked for. */
function makePlaces(files: { user?: string; project?: string; below?: string }, env: Record<string, string> = {}) {
  const home = createTestFolder();
  const project = join(home, "project");
  const cwd = join(project, "deep", "er");
  const userFile = join(home, ".config", "bulwark", "config.yaml");
  mkdirSync(join(project, ".git"), { recursive: true });
  const write = (path: string, text: string | undefined): void => {
    mkdirSync(dirname(path), { recursive: true });
    if (text !== undefined) writeFileSync(path, text);
  };
  write(userFile, files.user);
  write(join(project, "bulwark.yaml"), files.project);
  write(join(home, "bulwark.yaml"), files.below);
  mkdirSync(cwd, { recursive: true });
  return { env, cwd, home, userFile, project };
}

const find = (settings: readonly ResolvedSetting[], name: string) => settings.find((setting) => setting.name === name);

async function findingsOf(places: Parameters<typeof resolveSettings>[0]): Promise<readonly Finding[]> {
  try {
    await resolveSettings(places);
  } catch (error) {
    const { code, findings } = error as BulwarkError;
    assert.equal(code, "CONFIG_INVALID");
    return findings;
  }
  return assert.fail("nothing was refused");
}

test("the environment wins over the project, that over the user, that over the default; each says where it stands", async () => {
  const files = { user: "output: yaml\n", project: "output: wide\n" };
  const both = makePlaces(files, { BULWARK_OUTPUT: "json" });
  assert.deepEqual(find(await resolveSettings(both), "output"), {
    name: "output",
    value: "json",
    origin: "environment",
    place: "BULWARK_OUTPUT",
  });
  const project = makePlaces(files);
  assert.deepEqual(find(await resolveSettings(project), "output"), {
    name: "output",
    value: "wide",
    origin: "project file",
    place: join(project.project, "bulwark.yaml"),
  });
  const user = makePlaces({ user: files.user });
  const own = find(await resolveSettings(user), "output");
  assert.deepEqual([own?.value, own?.origin, own?.place], ["yaml", "user file", user.userFile]);
  const none = find(await resolveSettings(makePlaces({})), "output");
  assert.deepEqual([none?.value, none?.origin], [DEFAULTS.output, "default"]);
});

test("a project's file is looked for no higher than the root of its repository", async () => {
  const settings = await resolveSettings(makePlaces({ below: "output: json\n" }));
  assert.equal(find(settings, "output")?.origin, "default");
});

test("what could redirect keys, data or programs cannot come from a project", async () => {
  const refused = SETTING_NAMES.filter((name) => (SETTINGS[name] as SettingSpec).notFromProject !== undefined);
  assert.ok(
    ["keysDir", "runsDir", "cacheDir", "sparkHome", "javaHome"].every((name) => refused.includes(name as never)),
  );
  const places = makePlaces({ project: refused.map((name) => `${name}: /tmp/elsewhere\n`).join("") });
  const findings = await findingsOf(places);
  assert.deepEqual(
    findings.map(({ path, line }) => [path, line]),
    refused.map((name, index) => [name, index + 1]),
  );
  const own = await resolveSettings(makePlaces({ user: refused.map((name) => `${name}: /tmp/mine\n`).join("") }));
  for (const name of refused) assert.equal(find(own, name)?.origin, "user file");
});

test("an unknown setting names the nearest, and all findings of all places come at once", async () => {
  const places = makePlaces(
    { user: "# mine\nouptut: json\ncolor: pink\n", project: "nothingLikeIt: 1\n" },
    { BULWARK_COLOR: "green" },
  );
  const findings = await findingsOf(places);
  assert.deepEqual(findings.map(({ path, line }) => [path, line]).sort(), [
    ["BULWARK_COLOR", undefined],
    ["color", 3],
    ["nothingLikeIt", 1],
    ["ouptut", 2],
  ]);
  assert.match(findings.find(({ path }) => path === "ouptut")?.mend ?? "", /output/);
});

test("values of the wrong kind are refused", async () => {
  for (const user of ["output: 1\n", "output: [json]\n", "output:\n", "keysDir: ''\n", "keysDir: {}\n"]) {
    assert.equal((await findingsOf(makePlaces({ user }))).length, 1, user);
  }
});

test("paths count from the file they stand in, the environment's from here, and ~ is home", async () => {
  const places = makePlaces({ user: "keysDir: keys\nrunsDir: ~/runs\n" }, { BULWARK_CACHE_DIR: "cache" });
  const settings = await resolveSettings(places);
  assert.equal(find(settings, "keysDir")?.value, join(dirname(places.userFile), "keys"));
  assert.equal(find(settings, "runsDir")?.value, join(places.home, "runs"));
  assert.equal(find(settings, "cacheDir")?.value, join(places.cwd, "cache"));
});

test("an empty variable, an empty file and a file of comments say nothing", async () => {
  for (const user of ["", "# nothing\n", "---\n"]) {
    const settings = await resolveSettings(makePlaces({ user }, { BULWARK_OUTPUT: "" }));
    assert.equal(find(settings, "output")?.origin, "default");
  }
});

test("a file that is no map of settings is one coded error", async () => {
  for (const user of ["- a\n", "just text\n", "a: [\n", "\tout: x\n", "output: json\noutput: yaml\n"]) {
    await assert.rejects(resolveSettings(makePlaces({ user })), { code: "CONFIG_INVALID" }, user);
  }
});

test("a file that cannot be read is one coded error", async (t) => {
  if (process.getuid?.() === 0) {
    const places = makePlaces({});
    mkdirSync(places.userFile);
    await assert.rejects(resolveSettings(places), { code: "CONFIG_INVALID" });
    return t.diagnostic("root reads every file, so a folder stood in its place");
  }
  const places = makePlaces({ user: "output: json\n" });
  chmodSync(places.userFile, 0o000);
  await assert.rejects(resolveSettings(places), { code: "CONFIG_INVALID" });
});

test("every setting has a variable of its own", () => {
  assert.equal(toVariable("keysDir"), "BULWARK_KEYS_DIR");
  assert.equal(new Set(SETTING_NAMES.map(toVariable)).size, SETTING_NAMES.length);
});
