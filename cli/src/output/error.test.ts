// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "@bulwark/contracts/errors";
import { renderError, toBulwarkError, toErrorDocument } from "./error.ts";
import type { Paint } from "./terminal.ts";

const plain: Paint = (_format, text) => text;
const IDLE = new AbortController().signal;
const ERROR = new BulwarkError("JOB_INVALID", "job.yaml has 2 findings", "bulwark validate job.yaml", {
  findings: [
    { code: "JOB_KEY_UNKNOWN", message: "first", mend: "mend one", file: "job.yaml", line: 2, column: 5, path: "a.b" },
    { code: "JOB_CONFLICT", message: "second", mend: "mend two" },
  ],
});

test("findings come first, each with its place and mend; what to do is the last line", () => {
  const lines = renderError(ERROR, plain, false).trimEnd().split("\n");
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  assert.ok(lines[at("first")]?.includes("job.yaml:2:5"));
  assert.ok(at("first") <= at("mend one") && at("mend one") < at("second") && at("second") <= at("mend two"));
  assert.ok(lines[at("JOB_INVALID")]?.includes("job.yaml has 2 findings"));
  assert.ok(lines.at(-1)?.includes("bulwark validate job.yaml"));
});

test("the stack is for --debug alone, the cause with it", () => {
  const error = new BulwarkError("BUG", "outer", "mend", { cause: new TypeError("inner") });
  assert.doesNotMatch(renderError(error, plain, false), /\n\s+at /);
  const debug = renderError(error, plain, true);
  assert.match(debug, /\n\s+at /);
  assert.match(debug, /TypeError: inner/);
});

test("no control character of a message, mend or finding reaches a terminal", () => {
  const text = "\u001b[2J\u0007";
  const error = new BulwarkError("USAGE", text, text, {
    findings: [{ code: "USAGE", message: text, mend: text, file: text, path: text }],
  });
  assert.ok(!renderError(error, plain, false).includes("\u001b"));
  assert.ok(!renderError(error, plain, false).includes("\u0007"));
});

test("a document has code, message, mend, findings and where to read on", () => {
  const { error } = toErrorDocument(ERROR);
  assert.deepEqual(Object.keys(error).sort(), ["code", "docs", "findings", "mend", "message"]);
  assert.deepEqual([error.code, error.findings.length], ["JOB_INVALID", 2]);
  assert.match(error.docs, /errors\.md#job-invalid$/);
});

test("a disk that is full is no bug", () => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    const error = Object.assign(new Error(`${code}: no space left on device, write`), { code });
    assert.equal(toBulwarkError(error, IDLE).code, "DISK_FULL");
  }
});

test("what is foreign is our bug; an interruption is what it says", () => {
  assert.equal(toBulwarkError(ERROR, IDLE), ERROR);
  const foreign = new TypeError("boom");
  assert.deepEqual([toBulwarkError(foreign, IDLE).code, toBulwarkError(foreign, IDLE).cause], ["BUG", foreign]);
  assert.equal(toBulwarkError("text", IDLE).code, "BUG");
  const reason = new BulwarkError("INTERRUPTED", "enough", "again");
  const abort = Object.assign(new Error("aborted"), { name: "AbortError" });
  assert.equal(toBulwarkError(abort, AbortSignal.abort(reason)), reason);
  assert.equal(toBulwarkError(abort, IDLE).code, "BUG");
});
