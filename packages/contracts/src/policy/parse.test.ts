// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BulwarkError } from "../errors/index.ts";
import { parsePolicy } from "./parse.ts";
import type { Policy } from "./schema.ts";

const FILE = "policy.yaml";
const H32 = "ab".repeat(32);
const H48 = "cd".repeat(48);
const parse = (text: string | Uint8Array): Policy => parsePolicy(text, { file: FILE });

function failureOf(text: string | Uint8Array): BulwarkError {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof BulwarkError, String(error));
    for (const { mend } of [error, ...error.findings]) assert.ok(mend.length > 0);
    return error;
  }
  throw new assert.AssertionError({ message: "the policy was accepted" });
}

const findingsOf = (text: string) =>
  failureOf(text).findings.map(({ code, path, line, column }) => [code, path, line, column]);

test("defaults are strict, one value stands for a list, digests are small, and nothing can be changed", () => {
  const policy = parse(`name: p\nallow:\n  code:\n    mrenclave: ${H32.toUpperCase()}\n`);
  assert.deepEqual(policy, {
    name: "p",
    allow: { code: { mrenclave: [H32] } },
    deny: {},
    tcb: { accept: {}, advisories: {}, snpMinimum: {} },
    platforms: {},
    attributes: {
      provisionKey: false,
      einittokenKey: false,
      septVeDisable: "any",
      perfmon: "any",
      migrationAgent: false,
      trailingBytes: "zero",
    },
    simulation: {},
  });
  assert.throws(() => Object.assign(policy.allow, { other: {} }), TypeError);
});

test("digests that YAML could take for numbers stay as written", () => {
  const zeros = "0".repeat(96);
  const exponent = `${"1".repeat(62)}e5`;
  const policy = parse(`name: 7\nallow:\n  a: {mrtd: ${H48}, rtmr3: ${zeros}}\n  b: {mrenclave: [${exponent}]}\n`);
  assert.equal(policy.name, "7");
  assert.deepEqual(policy.allow.a?.rtmr3, [zeros]);
  assert.deepEqual(policy.allow.b?.mrenclave, [exponent]);
});

test("a digest with a digit missing is named with line and column", () => {
  assert.deepEqual(findingsOf(`name: p\nallow:\n  code:\n    mrenclave: ${H32.slice(1)}\n`), [
    ["POLICY_TYPE_WRONG", "allow.code.mrenclave", 4, 16],
  ]);
});

test("every finding comes at once, each by its own code", () => {
  const text = `name: p
allow:
  code:
    mrenclav: ${H32}
  "bad/name": {mrenclave: ${H32}}
  svn: {mrsigner: ${H32}, isvProdId: 70000}
tcb: {accept: {Revoked: always, OutOfDate: always}}
attributes: {debug: true}
`;
  assert.deepEqual(
    findingsOf(text).map(([code, path]) => [code, path]),
    [
      ["POLICY_KEY_UNKNOWN", "allow.code.mrenclav"],
      ["POLICY_VALUE_INVALID", "allow.bad/name"],
      ["POLICY_VALUE_INVALID", "allow.svn.isvProdId"],
      ["POLICY_KEY_UNKNOWN", "tcb.accept.Revoked"],
      ["POLICY_TYPE_WRONG", "tcb.accept.OutOfDate"],
      ["POLICY_KEY_UNKNOWN", "attributes.debug"],
    ],
  );
});

for (const [what, text, path] of [
  ["no measurement of code", `allow: {a: {tee: tdx}}`, "allow.a"],
  ["a signer without a product", `allow: {a: {mrsigner: ${H32}}}`, "allow.a"],
  ["SEV-SNP without lowest versions", `allow: {a: {measurement: ${H48}}}`, "allow.a"],
  ["two kinds of TEE", `allow: {a: {mrenclave: ${H32}, mrtd: ${H48}}}`, "allow.a.mrtd"],
  ["a TEE that has no such measurement", `allow: {a: {tee: sgx, mrtd: ${H48}}}`, "allow.a.mrtd"],
  ["a list of nothing", `allow: {a: {mrtd: []}}`, "allow.a.mrtd"],
  ["a deny rule that fits everything", `deny: {a: {}}`, "deny.a"],
  [
    "security versions that exclude each other",
    `allow: {a: {mrenclave: ${H32}, isvSvnMinimum: 3, isvSvnMaximum: 2}}`,
    "allow.a.isvSvnMaximum",
  ],
  [
    "an advisory on both lists",
    `tcb: {advisories: {allow: INTEL-SA-00615, deny: INTEL-SA-00615}}`,
    "tcb.advisories.deny",
  ],
] as const) {
  test(`a rule with ${what} is refused`, () => {
    assert.deepEqual(
      findingsOf(`name: p\n${text}\n`).map(([code, at]) => [code, at]),
      [["POLICY_CONFLICT", path]],
    );
  });
}

test("a day that no calendar has is refused", () => {
  const text = "name: p\ntcb: {accept: {OutOfDate: 2026-02-30}}\n";
  assert.deepEqual(findingsOf(text), [["POLICY_VALUE_INVALID", "tcb.accept.OutOfDate", 2, 27]]);
});

test("a key given twice is refused, in YAML and in JSON, at any depth", () => {
  const rule = `{"mrenclave": "${H32}"}`;
  for (const text of [
    "name: p\nname: q\n",
    `{"name": "p", "allow": {"a": ${rule}, "a": ${rule}}}`,
    `{"name": "p", "deny": {"a": {"mrenclave": "${H32}", "mrenclave": "${H32}"}}}`,
    `{"name": "p", "n\\u0061me": "q"}`,
  ]) {
    assert.equal(failureOf(text).code, "POLICY_FILE_SYNTAX", text);
  }
});

test("what is no policy has a code for what it is", () => {
  for (const [input, code] of [
    ["", "POLICY_FILE_UNREADABLE"],
    [Buffer.from([0, 1, 2]), "POLICY_FILE_UNREADABLE"],
    [Buffer.from([0xff, 0xfe]), "POLICY_FILE_UNREADABLE"],
    ["a".repeat(1024 ** 2 + 1), "POLICY_FILE_UNREADABLE"],
    ["- a\n", "POLICY_INVALID"],
    ["name: [", "POLICY_FILE_SYNTAX"],
    ["{}", "POLICY_INVALID"],
  ] as const) {
    assert.equal(failureOf(input).code, code);
  }
});

test("property: the order of keys says nothing", () => {
  const shuffle = (value: unknown, order: (keys: string[]) => string[]): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          order(Object.keys(value)).map((key) => [key, shuffle((value as Record<string, unknown>)[key], order)]),
        );
  const policy = {
    name: "p",
    allow: { a: { mrenclave: H32, isvSvnMinimum: 3 }, b: { mrtd: [H48], rtmr0: [H48], rtmr1: H48 } },
    deny: { c: { fmspc: "50806f000000" } },
    tcb: { accept: { OutOfDate: "2027-01-01", SWHardeningNeeded: "always" }, evaluationNumberMinimum: 17 },
    attributes: { septVeDisable: "required" },
  };
  const expected = parse(JSON.stringify(policy));
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ noNaN: true })), (numbers) => {
      const shuffled = shuffle(policy, (keys) =>
        keys
          .map((key) => ({ key, at: Number(numbers.next().value) }))
          .toSorted((one, two) => one.at - two.at)
          .map(({ key }) => key),
      );
      assert.deepEqual(parse(JSON.stringify(shuffled)), expected);
    }),
  );
});

test("property: no text makes reading a policy fail without a code", () => {
  const word = fc.constantFrom(
    "name",
    "allow",
    "deny",
    "mrtd",
    "tcb",
    ":",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    H32,
    "&a",
    "*a",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join("")),
      ),
      (text) => {
        try {
          parse(text);
        } catch (error) {
          assert.ok(error instanceof BulwarkError && error.code.startsWith("POLICY_"), String(error));
        }
      },
    ),
  );
});
