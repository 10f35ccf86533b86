// SPDX-License-Identifier: Apache-2.0
// The policies that people copy: those of the examples, and those in the documentation.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parsePolicy } from "../packages/contracts/src/policy/index.ts";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLES = join(ROOT, "examples", "policies");
const PAGES = ["docs/guide/attestation.md", "docs/reference/policy.md"];

for (const name of readdirSync(EXAMPLES).filter((file) => file.endsWith(".yaml"))) {
  test(`examples/policies/${name} is right and allows something`, () => {
    const policy = parsePolicy(readFileSync(join(EXAMPLES, name)), { file: name });
    assert.ok(Object.keys(policy.allow).length > 0);
  });
}

for (const page of PAGES) {
  test(`every policy in ${page} is right`, () => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
    const policies = blocks.filter((block) => /^name:/m.test(block));
    assert.ok(policies.length > 0);
    for (const block of policies) parsePolicy(block, { file: page });
  });
}
