// SPDX-License-Identifier: Apache-2.0
// What decides what is in an image, without building one.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Lock, listClosure } from "../scripts/images/closure.ts";
import { isLeftOut, matches, parseLeftOut, readLeftOut } from "../scripts/images/left-out.ts";
import { findServingSources } from "../scripts/images/serving-files.ts";
import { mergeLists } from "./cluster/record-classes.ts";

test("a list of what is left out has groups with reasons", () => {
  const groups = parseLeftOut("# all\n[hive] No metastore.\nhive-exec-*\n\n[shell] No shell.\njline-*\n");
  assert.deepEqual(groups, [
    { name: "hive", reason: "No metastore.", patterns: ["hive-exec-*"] },
    { name: "shell", reason: "No shell.", patterns: ["jline-*"] },
  ]);
  assert.ok(isLeftOut("hive-exec-2.3.10-core.jar", groups));
  assert.ok(!isLeftOut("hive-storage-api-2.8.1.jar", groups));
});

test("a name before the first group, and a group that does not exist, are refused", async () => {
  assert.throws(() => parseLeftOut("hive-exec-*\n[hive] Late.\n"));
  await assert.rejects(readLeftOut(["hiev"]));
  const kept = await readLeftOut(["hive"]);
  assert.ok(kept.length > 0 && !kept.some(({ name }) => name === "hive"));
});

test("a star stands for anything, every other sign for itself", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z0-9._()+-]*$/), { minLength: 1, maxLength: 4 }),
      fc.string(),
      (parts, filler) => {
        const name = parts.join(filler.replaceAll("\n", ""));
        assert.ok(matches(name, parts.join("*")));
        assert.equal(matches(`${name}!`, `${parts.join("*")}?`), false);
      },
    ),
  );
  assert.ok(!matches("sparkXhive.jar", "spark.hive*"));
});

test("lists of classes become one, without what only one run had", () => {
  const lists = [
    "# written by Java",
    "java/lang/Object id: 0",
    "b/B id: 17 super: 0 source: jrt:/x",
    "a/A id: 5",
    "java/lang/Object id: 3",
    "a/A$$Lambda+0x00007f",
    "@lambda-proxy a/A run ()V",
    "jdk/proxy2/$Proxy12 id: 9",
    "",
  ];
  assert.deepEqual(mergeLists(lists), ["@lambda-proxy a/A run ()V", "a/A", "java/lang/Object"]);
});

test("what a service needs to run is found as Node would find it, and nothing of development", () => {
  const lock: Lock = {
    packages: {
      "": { dependencies: {} },
      "services/one": { dependencies: { "@our/lib": "1", fast: "1" } },
      "packages/lib": { dependencies: { shared: "2" }, optionalDependencies: { native: "1", other: "1" } },
      "node_modules/@our/lib": { link: true, resolved: "packages/lib" },
      "node_modules/fast": { dependencies: { shared: "1", "@our/lib": "1" } },
      "node_modules/fast/node_modules/shared": {},
      "node_modules/shared": { dependencies: { fast: "1" } },
      "node_modules/native": {},
      "node_modules/other": {},
      "node_modules/unused": {},
    },
  };
  const isHere = (place: string): boolean => place !== "node_modules/other";
  assert.deepEqual(listClosure(lock, ["services/one"], isHere), [
    ...["node_modules/fast", "node_modules/fast/node_modules/shared", "node_modules/native", "node_modules/shared"],
    ...["packages/lib", "services/one"],
  ]);
  assert.throws(() => listClosure({ packages: { a: { dependencies: { absent: "1" } } } }, ["a"], isHere));
});

test("the serving image holds what it runs, and no tool that builds or tests", async () => {
  const { workspaces, libraries } = await findServingSources();
  assert.deepEqual(
    workspaces.filter((place) => place.startsWith("services/")),
    ["services/inference-engine", "services/serving-gateway"],
  );
  for (const place of ["onnxruntime-node", "fastify", "ioredis"]) {
    assert.ok(libraries.includes(`node_modules/${place}`), place);
  }
  for (const place of ["typescript", "@biomejs/biome", "fast-check", "apache-arrow"]) {
    assert.ok(!libraries.includes(`node_modules/${place}`), place);
  }
  assert.ok(!workspaces.includes("packages/simulation"));
});
