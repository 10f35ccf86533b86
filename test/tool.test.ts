// SPDX-License-Identifier: Apache-2.0
// The tool as people start it: a process of its own, from any folder, with a home of its own.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { COMMANDS } from "../cli/src/commands/index.ts";
import { identifyProcess } from "../cli/src/runs/processes.ts";
import { type RunRecord, saveRecord } from "../cli/src/runs/record.ts";
import { createTestFolder } from "../cli/src/testing/context.ts";
import { EXIT } from "../packages/contracts/src/errors/index.ts";

const TOOL = join(import.meta.dirname, "..", "bulwark");
/** A home with a blank, a quote and letters beyond ASCII, as some people's are. */
const HOME = join(createTestFolder(), "dr. o'Nëill 世界");
const RUNS = join(HOME, ".local", "state", "bulwark", "runs");
mkdirSync(HOME);

const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

const environment = (env: Record<string, string> = {}) => ({ PATH: process.env.PATH, HOME, ...env });

type Ended = { code: number | null; stdout: string; stderr: string };

function run(
  args: readonly string[],
  { cwd = HOME, input = "", env = {} as Record<string, string>, tool = TOOL } = {},
): Ended {
  const { status, stdout, stderr } = spawnSync(tool, args, {
    cwd,
    input,
    env: environment(env),
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: status, stdout, stderr };
}

function start(
  args: readonly string[],
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(TOOL, args, { cwd: HOME, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  return child;
}

/** The error of a call with `-o json`: one document on stdout, nothing beside it. */
function errorOf(args: readonly string[], options: Parameters<typeof run>[1] = {}) {
  const { code, stdout, stderr } = run([...args, "-o", "json"], options);
  assert.equal(stderr, "", "all that is said is in the document");
  const { error } = JSON.parse(stdout) as {
    error: { code: string; mend: string; message: string; findings: { code: string }[] };
  };
  return { ...error, exit: code };
}

/** A run of another terminal, as far as the files tell. */
async function keepRun(id: string, overrides: Partial<RunRecord> = {}): Promise<void> {
  const supervisor = identifyProcess(process.pid);
  assert.ok(supervisor);
  mkdirSync(join(RUNS, id, "logs"), { recursive: true, mode: 0o700 });
  writeFileSync(join(RUNS, id, "logs", "driver.log"), "first line\n");
  await saveRecord(RUNS, {
    apiVersion: "bulwark/v1",
    id,
    name: "fake",
    state: "running",
    application: "app.py",
    profile: "aes-gcm",
    tee: "none",
    unfinished: [],
    executors: 2,
    startedAt: new Date().toISOString(),
    supervisor,
    attempts: 1,
    ...overrides,
  });
}

test("help needs nothing, goes to stdout, and begins with examples", () => {
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    const { code, stdout, stderr } = run([name, "--help"]);
    assert.deepEqual([code, stderr], [EXIT.done, ""], name);
    assert.ok(stdout.includes(summary), name);
    assert.ok(stdout.indexOf("Examples") < stdout.indexOf("Usage"), name);
    assert.ok(stdout.includes(`bulwark ${name}`), name);
  }
  assert.deepEqual([run(["--help"]).code, run([]).code], [EXIT.done, EXIT.done]);
  assert.equal(run(["--help"]).stdout, run(["help"]).stdout);
});

test("version is one document for programs, and one line or more for people", () => {
  const value = JSON.parse(run(["version", "-o", "json"]).stdout) as { spark: string; node: string };
  assert.match(value.spark, /^\d+\.\d+\.\d+$/);
  assert.match(value.node, /^24\./);
  assert.match(run(["--version"]).stdout, new RegExp(value.spark.replaceAll(".", "\\.")));
});

test("a command or flag that is nearly right is suggested; one that is not is refused all the same", () => {
  const usage: readonly (readonly [string[], RegExp])[] = [
    [["stauts"], /status/],
    [["keys", "inti"], /init/],
    [["run", "app.py", "--excutors", "2"], /--executors/],
    [["xyzzy"], /bulwark --help/],
    [["list", "--zzzzzz"], /bulwark list --help/],
    [["list", "-o", "xml"], /./],
    [["run"], /./],
    [["keys"], /./],
    [["status", "a", "b", "c"], /./],
  ];
  for (const [args, mend] of usage) {
    const { code, stdout, stderr } = run(args);
    assert.equal(code, EXIT.usage, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.match(stderr, /USAGE/);
    assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", mend);
    assert.ok(stderr.split("\n").length < 6, "no page of usage for an error");
  }
  assert.deepEqual([errorOf(["stauts"]).code, errorOf(["stauts"]).exit], ["USAGE", EXIT.usage]);
});

test("the tool starts from any folder, through links, and with blanks in its path", () => {
  const folder = join(createTestFolder(), "a folder");
  mkdirSync(folder);
  symlinkSync(TOOL, join(folder, "first link"));
  symlinkSync("first link", join(folder, "second"));
  assert.equal(run(["version"], { cwd: "/", tool: join(folder, "second") }).code, EXIT.done);
  assert.equal(run(["version"], { cwd: folder, tool: "./second" }).code, EXIT.done);
});

test("an unknown run, and a run without keys, are coded errors with exit codes of their own", () => {
  assert.deepEqual(
    [errorOf(["status", "absent"]).code, errorOf(["status", "absent"]).exit],
    ["RUN_UNKNOWN", EXIT.usage],
  );
  const shown = errorOf(["keys", "show"]);
  assert.deepEqual([shown.code, shown.exit], ["KEYS_MISSING", EXIT.invalid]);
});

test("a reader that has seen enough is no error", () => {
  const { status, stdout, stderr } = spawnSync(
    "sh",
    ["-c", '"$0" help | head -1; "$0" completion bash | head -1', TOOL],
    {
      encoding: "utf8",
      env: environment(),
    },
  );
  assert.deepEqual([status, stderr, stdout.trimEnd().split("\n").length], [0, "", 2]);
});

test("lists are empty documents or a sentence before the first run", () => {
  const env = { XDG_STATE_HOME: createTestFolder() };
  assert.deepEqual(JSON.parse(run(["list", "--json"], { env }).stdout).items, []);
  assert.equal(run(["list", "-o", "name"], { env }).stdout, "");
  assert.match(run(["list"], { env }).stdout, /bulwark run/);
});

test("settings of the environment and of flags reach the command", () => {
  const elsewhere = join(createTestFolder(), "runs");
  const env = { BULWARK_RUNS_DIR: elsewhere, BULWARK_OUTPUT: "json" };
  assert.deepEqual(JSON.parse(run(["list"], { env }).stdout).items, []);
  assert.deepEqual(readdirSync(elsewhere), []);
  assert.doesNotMatch(run(["list", "-o", "table"], { env }).stdout, /^\{/);
});

test("a long command ends at the first Ctrl-C, in order", async () => {
  await keepRun("fake-one");
  const child = start(["logs", "-f", "fake-one"]);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, null);
  assert.ok(code === EXIT.done || code === EXIT.interrupted);
});

test("logs are followed until the run ends", async () => {
  await keepRun("fake-two");
  const child = start(["logs", "fake-two", "--driver", "--follow"]);
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  await once(child.stdout, "data");
  writeFileSync(join(RUNS, "fake-two", "logs", "driver.log"), "last line\n", { flag: "a" });
  await keepRunEnded("fake-two");
  assert.deepEqual(await once(child, "close"), [EXIT.done, null]);
  assert.equal(text, "first line\nlast line\n");
});

async function keepRunEnded(id: string): Promise<void> {
  const supervisor = identifyProcess(process.pid);
  assert.ok(supervisor);
  const record = JSON.parse(run(["status", id, "-o", "json"]).stdout) as RunRecord & { progress?: unknown };
  const { progress: _progress, ...rest } = record;
  await saveRecord(RUNS, { ...rest, state: "succeeded", endedAt: new Date().toISOString() });
}

/** Job files that people hand over, each with the one code that must come back. */
const JOB_FILES: readonly {
  name: string;
  content: string | Buffer | "folder" | "absent";
  code: string;
  finding?: string;
}[] = [
  { name: "absent.yaml", content: "absent", code: "JOB_FILE_MISSING" },
  { name: "empty.yaml", content: "", code: "JOB_FILE_UNREADABLE" },
  { name: "comments.yaml", content: "# nothing\n", code: "JOB_FILE_UNREADABLE" },
  { name: "folder.yaml", content: "folder", code: "JOB_FILE_UNREADABLE" },
  { name: "binary.yaml", content: Buffer.from([0x50, 0x4b, 3, 4, 0, 0xff, 0xfe]), code: "JOB_FILE_UNREADABLE" },
  { name: "latin1.yaml", content: Buffer.from("name: caf\xe9\n", "latin1"), code: "JOB_FILE_UNREADABLE" },
  {
    name: "huge.yaml",
    content: Buffer.alloc(100 * 1024 ** 2, "# a hundred megabytes of comment\n"),
    code: "JOB_FILE_UNREADABLE",
  },
  { name: "tabs.yaml", content: "jar: a.jar\ndriver:\n\tcores: 1\n", code: "JOB_FILE_SYNTAX" },
  { name: "doubled.yaml", content: "jar: a.jar\njar: b.jar\n", code: "JOB_FILE_SYNTAX" },
  { name: "bomb.yaml", content: bomb(), code: "JOB_FILE_SYNTAX" },
  { name: "two documents.yaml", content: "jar: a.jar\n---\njar: b.jar\n", code: "JOB_FILE_SYNTAX" },
  { name: "list.yaml", content: "- jar: a.jar\n", code: "JOB_INVALID" },
  { name: "unknown.yaml", content: "jar: a.jar\nexecuter: {}\n", code: "JOB_INVALID", finding: "JOB_KEY_UNKNOWN" },
  { name: "both ünï.yaml", content: "jar: a.jar\npython: a.py\n", code: "JOB_INVALID", finding: "JOB_CONFLICT" },
  {
    name: "profile.yaml",
    content: "jar: a.jar\nsecurity: {profile: aes-gmc}\n",
    code: "JOB_INVALID",
    finding: "JOB_VALUE_INVALID",
  },
  {
    name: "weak.yaml",
    content: "jar: a.jar\nsparkConf: {spark.authenticate: false}\n",
    code: "JOB_INVALID",
    finding: "JOB_SETTING_REFUSED",
  },
  { name: "size.yaml", content: "jar: a.jar\ndriver: {memory: -1g}\n", code: "JOB_INVALID", finding: "JOB_TYPE_WRONG" },
];

/** Ten levels, each with ten times the one below: ten thousand million values from half a kilobyte. */
function bomb(): string {
  const levels = Array.from({ length: 10 }, (_, level) =>
    level === 0
      ? `  - &a0 [${Array(10).fill('"x"').join(",")}]`
      : `  - &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(",")}]`,
  );
  return `jar: a.jar\nargs:\n${levels.join("\n")}\n`;
}

const jobs = join(HOME, "my jobs");
mkdirSync(jobs);
for (const { name, content, code, finding } of JOB_FILES) {
  test(`a job file that is ${name.replace(".yaml", "")} is one coded error`, () => {
    const path = join(jobs, name);
    if (content === "folder") mkdirSync(path);
    else if (content !== "absent") writeFileSync(path, content);
    for (const command of ["validate", "run"]) {
      const error = errorOf([command, name], { cwd: jobs });
      assert.equal(error.code, code, `${command}: ${error.message}`);
      assert.equal(error.exit, EXIT.invalid);
      assert.ok(error.mend.length > 0);
      if (finding !== undefined)
        assert.deepEqual(
          error.findings.map((each) => each.code),
          [finding],
        );
    }
  });
}

test("a sound job file is valid from wherever it is named, and from standard input", () => {
  const text = "name: ünï-is-no-name\njar: a.jar\n";
  assert.equal(run(["validate", "-"], { input: text }).code, EXIT.invalid);
  writeFileSync(join(jobs, "sound ünï.yaml"), "name: sound\njar: a.jar\n");
  for (const [args, cwd] of [
    [["validate", "sound ünï.yaml"], jobs],
    [["validate", "my jobs/sound ünï.yaml"], HOME],
    [["validate", join(jobs, "sound ünï.yaml")], "/"],
  ] as const) {
    assert.equal(run(args, { cwd }).code, EXIT.done, args.join(" "));
  }
  assert.equal(run(["validate", "-"], { input: "jar: a.jar\n" }).code, EXIT.done);
});

test("several files give the findings of all", () => {
  const error = errorOf(["validate", "sound ünï.yaml", "both ünï.yaml", "absent.yaml", "unknown.yaml"], { cwd: jobs });
  assert.deepEqual([error.code, error.exit], ["JOB_INVALID", EXIT.invalid]);
  assert.deepEqual(error.findings.map((each) => each.code).sort(), [
    "JOB_CONFLICT",
    "JOB_FILE_MISSING",
    "JOB_KEY_UNKNOWN",
  ]);
});

test("what is neither job file, program nor jar is refused before anything starts", () => {
  writeFileSync(join(jobs, "notes.txt"), "");
  assert.deepEqual(errorOf(["run", "notes.txt"], { cwd: jobs }).exit, EXIT.usage);
});
