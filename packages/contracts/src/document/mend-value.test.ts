// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { BulwarkError, type Finding } from "../errors/index.ts";
import { JOB_KEYS } from "../job/generated/keys.ts";
import { parseJobFile } from "../job/parse.ts";
import { FORMS } from "./forms.ts";

const WRONG: readonly unknown[] = ["!!", "", " ", "yes", -1, 1.5, 99_999, true];

const VALUE_CODES = ["JOB_TYPE_WRONG", "JOB_VALUE_INVALID"];

/** What is wrong with one value by itself, in a job file that says nothing else. */
function findingsOf({ path, entry, about }: Place, value: unknown): Finding[] {
  const job = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), entry(value)) as object;
  try {
    parseJobFile(JSON.stringify({ python: "a.py", ...job }), { file: "job.yaml" });
  } catch (error) {
    assert.ok(error instanceof BulwarkError && error.code === "JOB_INVALID", String(error));
    return error.findings.filter(({ path: at, code }) => at === about.join(".") && VALUE_CODES.includes(code));
  }
  return [];
}

/** What a mend says to write, as YAML reads it; of a choice, the first. */
function readMend(mend: string): unknown {
  const [, own, plain] = /^Write (?:for instance )?(?:`[^:`]+: ([^`]*)`|([^`]*))/.exec(mend) ?? [];
  return parse((own ?? plain ?? "").split(" or ")[0] ?? "");
}

/** A key, how a value stands there, and the path of that value: that of the key, or of the one entry of a list or map. */
type Place = { path: readonly string[]; entry: (value: unknown) => unknown; about: readonly string[] };

const PLACES: readonly Place[] = JOB_KEYS.flatMap(({ key, type, items }) => {
  const path = key.replaceAll("NAME", "x").split(".");
  if (type !== "list" && type !== "map") return [{ path, entry: (value: unknown) => value, about: path }];
  if (items === undefined) return [];
  return type === "list"
    ? [{ path, entry: (value: unknown) => [value], about: [...path, "0"] }]
    : [{ path, entry: (value: unknown) => ({ x: value }), about: [...path, "x"] }];
});

test("a mend that names a value names one that is right there", () => {
  const mended = PLACES.flatMap((place) =>
    WRONG.flatMap((wrong) => {
      const [finding] = findingsOf(place, wrong);
      // Of some values nothing can be known but that they are none.
      if (finding === undefined || /^Write (one value|keys and values)/.test(finding.mend)) return [];
      assert.deepEqual(findingsOf(place, readMend(finding.mend)), [], `${JSON.stringify(wrong)}: ${finding.mend}`);
      return [finding.path];
    }),
  );
  assert.ok(new Set(mended).size > 80, String(new Set(mended).size));
});

test("the example of every form has that form", () => {
  for (const [name, { pattern, example }] of Object.entries(FORMS)) assert.match(example, new RegExp(pattern), name);
});
