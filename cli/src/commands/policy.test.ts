// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { EXIT, toExitCode } from "@bulwark/contracts/errors";
import type { Result } from "../command.ts";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const home = createTestFolder("bulwark-policy-");
const H32 = "ab".repeat(32);

const { run, failureOf } = createRunner(home);
const write = (name: string, text: string): void => writeFileSync(join(home, name), text);
const rowsOf = (result: Result) => result.table?.rows as { what: string; says: string; why: string }[];

write("right.yaml", `name: right\nallow: {a: {mrenclave: ${H32}}}\ndeny: {b: {mrsigner: ${H32}}}\n`);
write("empty.yaml", "name: empty\n");
write("wrong.yaml", `name: wrong\nalow: {}\nallow: {a: {mrenclave: ${H32.slice(1)}}}\n`);
write("twice.json", `{"name": "p", "name": "q"}`);

test("policies are checked, and what they come to is told", async () => {
  const { value, context } = await run("policy check right.yaml empty.yaml");
  const { items } = value as { items: { name: string; allows: number; denies: number; sha256: string }[] };
  assert.deepEqual(
    items.map(({ name, allows, denies }) => [name, allows, denies]),
    [
      ["right", 1, 1],
      ["empty", 0, 0],
    ],
  );
  assert.match(items[0]?.sha256 ?? "", /^[0-9a-f]{64}$/);
  assert.match(context.stderr.text(), /empty.yaml allows nothing/);
});

test("the same policy in JSON and from a pipe has the same hash", async () => {
  const hashOf = (result: Result) => (result.value as { items: { sha256: string }[] }).items[0]?.sha256;
  const json = JSON.stringify({ deny: { b: { mrsigner: [H32] } }, allow: { a: { mrenclave: H32 } }, name: "right" });
  const piped = await run("policy check -", { stdin: Readable.from([Buffer.from(json)]) });
  assert.equal(hashOf(piped), hashOf(await run("policy check right.yaml")));
});

test("all findings of all files come at once, with exit code 3", async () => {
  const one = await failureOf("policy check wrong.yaml");
  assert.deepEqual(
    one.findings.map(({ code, line }) => [code, line]),
    [
      ["POLICY_KEY_UNKNOWN", 2],
      ["POLICY_TYPE_WRONG", 3],
    ],
  );
  const all = await failureOf("policy check right.yaml wrong.yaml twice.json nowhere");
  assert.deepEqual([all.code, toExitCode(all)], ["POLICY_INVALID", EXIT.invalid]);
  assert.deepEqual(
    all.findings.map(({ code }) => code),
    ["POLICY_KEY_UNKNOWN", "POLICY_TYPE_WRONG", "POLICY_FILE_SYNTAX", "POLICY_FILE_MISSING"],
  );
});

test("explain tells how every rule fares, and which decides", async () => {
  await run("attest simulate --to demo --tee sgx");
  const flags = "--evidence demo/evidence.bin --collateral demo --simulation-root demo/root.pem";
  const accepted = await run(`policy explain demo/policy.yaml ${flags}`);
  assert.equal(accepted.exitCode, EXIT.done);
  assert.deepEqual(rowsOf(accepted)[0], { what: 'allow "workload"', says: "fits", why: "all that it names" });

  const refused = await run(`policy explain right.yaml ${flags}`);
  assert.equal(refused.exitCode, EXIT.refused);
  assert.deepEqual(
    rowsOf(refused).map(({ what, says }) => [what, says]),
    [
      ['deny "b"', "does not fit"],
      ['allow "a"', "does not fit"],
      ["APPRAISAL_SIMULATED", "refuses"],
      ["concern", "warns"],
      ["concern", "warns"],
      ['policy "right"', "refused"],
    ],
  );
  const { outcome, rules } = refused.value as { outcome: string; rules: { misses: string[] }[] };
  assert.equal(outcome, "refused");
  assert.equal(rules[1]?.misses.length, 1);
});

test("evidence that does not verify is refused before any rule is asked", async () => {
  await run("attest simulate --to broken --fault quote-changed");
  const flags = "--evidence broken/evidence.bin --collateral broken --simulation-root broken/root.pem";
  const error = await failureOf(`policy explain broken/policy.yaml ${flags}`);
  assert.deepEqual([error.code, toExitCode(error)], ["QUOTE_SIGNATURE_INVALID", EXIT.refused]);
});

test("a verb is needed, and evidence to explain by", async () => {
  assert.equal((await failureOf("policy")).code, "USAGE");
  assert.equal((await failureOf("policy explain right.yaml")).code, "USAGE");
});
