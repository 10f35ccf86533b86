// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, KNOWN_DISAGREEMENTS } from "./testing/differential.ts";
import { quoteVectors, skipVectors } from "./testing/vectors.ts";

const MUTATIONS = 1000;

test("another verifier says the same of real and mutated evidence, or we know why not", { skip: skipVectors }, () => {
  const disagreements = compare(quoteVectors, MUTATIONS);
  const unknown = disagreements.filter(({ key }) => !(key in KNOWN_DISAGREEMENTS));
  assert.deepEqual(unknown.slice(0, 20), []);
  // A row that nothing needs any more would only hide the next mistake.
  const seen = new Set(disagreements.map(({ key }) => key));
  assert.deepEqual(
    Object.keys(KNOWN_DISAGREEMENTS).filter((key) => !seen.has(key)),
    [],
  );
});
