// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestFolder } from "../testing/context.ts";
import type { RunEvent } from "./events.ts";
import { explainFailure } from "./failure.ts";
import type { RunFailure } from "./record.ts";

/** Without its time, which does not count here. */
type Event = RunEvent extends infer Each ? (Each extends RunEvent ? Omit<Each, "at"> : never) : never;

async function explain(events: readonly Event[], errors?: string): Promise<RunFailure & { log: string }> {
  const logs = createTestFolder();
  mkdirSync(logs, { recursive: true });
  if (errors !== undefined) writeFileSync(join(logs, "driver.err"), errors);
  const failure = await explainFailure(
    events.map((event) => ({ at: 0, ...event }) as RunEvent),
    logs,
  );
  return { ...failure, log: (failure.log ?? "").replace(`${logs}/`, "") };
}

const aborted = (exception: string): string =>
  `Job aborted due to stage failure: Task 1 in stage 3.0 failed 4 times, most recent failure: Lost task 1.3 in stage 3.0 (TID 17) (127.0.0.1 executor 2): ${exception}\nDriver stacktrace:`;

const JAVA_TASK =
  "java.lang.ArithmeticException: / by zero\n\tat com.example.Main$.divide(Main.scala:12)\n\tat scala.collection.Iterator.next(Iterator.scala:10)\n";
const PYTHON_TASK = `org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/spark/python/lib/pyspark.zip/pyspark/worker.py", line 1247, in main
    process()
  File "/jobs/app.py", line 7, in parse
    return int(text)
           ^^^^^^^^^
ValueError: invalid literal for int() with base 10: 'x'

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)
`;

test("an exception in a task is told with its stage, executor and log", async () => {
  const failure = await explain([
    { type: "task-failed", stage: 3, executor: "2", reason: JAVA_TASK },
    { type: "job-failed", job: 0, message: aborted(JAVA_TASK) },
    {
      type: "failure",
      class: "org.apache.spark.SparkException",
      message: "Job aborted due to stage failure: Task 1 in stage 3.0 failed 4 times",
    },
  ]);
  assert.equal(failure.code, "JOB_FAILED");
  assert.equal(failure.message, "java.lang.ArithmeticException: / by zero");
  assert.deepEqual([failure.stage, failure.executor, failure.log], [3, "2", "executor-2.log"]);
});

test("an exception of Python in a task is the program's own, not that of the worker", async () => {
  const failure = await explain([
    { type: "task-failed", stage: 0, executor: "0", reason: PYTHON_TASK },
    { type: "job-failed", job: 0, message: aborted(PYTHON_TASK) },
  ]);
  assert.equal(failure.message, "ValueError: invalid literal for int() with base 10: 'x'");
});

test("an executor that was lost is told as such", async () => {
  const lost =
    "ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: Remote RPC client disassociated.";
  const failure = await explain([
    { type: "task-failed", stage: 3, executor: "2", reason: lost },
    { type: "job-failed", job: 0, message: aborted(lost) },
  ]);
  assert.equal(failure.message, lost);
});

test("an exception of the driver's Python is its last traceback's last line", async () => {
  const errors = `Traceback (most recent call last):
  File "/jobs/app.py", line 3, in <module>
    open("x")
FileNotFoundError: [Errno 2] No such file or directory: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/jobs/app.py", line 5, in <module>
    raise MyProblem("no table") from None
__main__.MyProblem: no table
`;
  const failure = await explain(
    [{ type: "failure", class: "org.apache.spark.SparkUserAppException", message: "User application exited with 1" }],
    errors,
  );
  assert.equal(failure.message, "__main__.MyProblem: no table");
  assert.deepEqual([failure.stage, failure.log], [undefined, "driver.err"]);
});

test("what Spark says of a query reaches the user", async () => {
  const errors = `Traceback (most recent call last):
  File "/jobs/app.py", line 9, in <module>
    spark.table("absent").show()
pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view \`absent\` cannot be found. SQLSTATE: 42P01;
'UnresolvedRelation [absent], [], false
`;
  const failure = await explain([], errors);
  assert.match(
    failure.message,
    /^pyspark\.errors\.exceptions\.captured\.AnalysisException: \[TABLE_OR_VIEW_NOT_FOUND\]/,
  );
});

test("an exception of the driver's own Java code is told by class and message", async () => {
  const failure = await explain(
    [{ type: "failure", class: "java.lang.IllegalStateException", message: "not today" }],
    "",
  );
  assert.equal(failure.message, "java.lang.IllegalStateException: not today");
  assert.equal(failure.log, "driver.log");
});

test("a JVM that says nothing of an exception is quoted by its last line; a silent one is said to be silent", async () => {
  const quoted = await explain(
    [],
    "Error: Could not find or load main class A\nCaused by: java.lang.ClassNotFoundException: A\n\n",
  );
  assert.equal(quoted.message, "Caused by: java.lang.ClassNotFoundException: A");
  const silent = await explain([]);
  assert.equal(silent.code, "JOB_FAILED");
  assert.notEqual(silent.message, "");
});

test("a refusal of ours comes through with its code, from wherever it comes", async () => {
  const refusal = "KEY_WRONG: data/patients.parquet was encrypted under another version of patients";
  const exception = `java.lang.RuntimeException: bulwark.data.DataKeyException: ${refusal}\n\tat bulwark.data.Keyring.unwrap(Keyring.java:90)\n`;
  const places: readonly (readonly [readonly Event[], string])[] = [
    [[{ type: "failure", class: "bulwark.data.DataKeyException", message: refusal.slice(11), code: "KEY_WRONG" }], ""],
    [[{ type: "job-failed", job: 0, message: aborted(exception) }], ""],
    [[{ type: "task-failed", stage: 1, executor: "0", reason: exception }], ""],
    [[], `py4j.protocol.Py4JJavaError: An error occurred while calling o45.load.\n: ${exception}`],
  ];
  for (const [events, errors] of places) {
    const failure = await explain(events, errors);
    assert.equal(failure.code, "KEY_WRONG");
    assert.equal(failure.message, refusal.slice(11));
    assert.doesNotMatch(failure.mend, /^read /);
  }
});

test("a disk that is full is told as such, on the driver and in a task", async () => {
  const full = "java.io.IOException: No space left on device";
  const places: readonly (readonly [readonly Event[], string])[] = [
    [
      [
        {
          type: "job-failed",
          job: 0,
          message: aborted(`${full}\n\tat java.base/sun.nio.ch.FileDispatcherImpl.write0`),
        },
      ],
      "",
    ],
    [[], `py4j.protocol.Py4JJavaError: An error occurred while calling o45.save.\n: ${full}\n`],
  ];
  for (const [events, errors] of places) assert.equal((await explain(events, errors)).code, "DISK_FULL");
});

test("words of the job's program that look like one of our codes are none", async () => {
  for (const printed of [
    "USAGE: app.py IN OUT",
    "BUG: this cannot be",
    "INTERRUPTED: by hand",
    "TIMED_OUT: no answer",
  ]) {
    const failure = await explain([], `${printed}\n`);
    assert.deepEqual([failure.code, failure.message], ["JOB_FAILED", printed]);
  }
});

test("a job that failed earlier and was caught does not hide what ended the program", async () => {
  const failure = await explain([
    { type: "task-failed", stage: 1, executor: "0", reason: JAVA_TASK },
    { type: "job-failed", job: 0, message: aborted(JAVA_TASK) },
    { type: "failure", class: "java.lang.IllegalStateException", message: "gave up" },
  ]);
  // Spark says no more of how the two belong together, so the job is named, and its log.
  assert.equal(failure.code, "JOB_FAILED");
  assert.equal(failure.log, "executor-0.log");
});

test("only the end of a long log is read", async () => {
  const failure = await explain([], `${"noise ".repeat(100_000)}\nOSError: disk on fire\n`);
  assert.equal(failure.message, "OSError: disk on fire");
});
