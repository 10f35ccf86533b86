// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BulwarkError, type Finding } from "../errors/index.ts";
import { parseJobFile } from "./parse.ts";
import { REFUSED_SETTINGS } from "./refused-settings.ts";

const FILE = "job.yaml";
const parse = (text: string) => parseJobFile(text, { file: FILE }).job;

function failureOf(input: string | Uint8Array): BulwarkError {
  try {
    parseJobFile(input, { file: FILE });
  } catch (error) {
    assert.ok(error instanceof BulwarkError, String(error));
    assert.ok(error.mend.length > 0);
    return error;
  }
  throw new assert.AssertionError({ message: "the file was accepted" });
}

const brief = ({ code, path, line, column }: Finding) => [code, path, line, column];
const findingsOf = (text: string) => failureOf(text).findings.map(brief);

test("defaults are filled in, nested ones too, and nothing can be changed", () => {
  const job = parse("jar: app.jar\ndata:\n  sales: {path: sales.parquet}\nexecutor: {instances: 3}\n");
  const size = { cores: 1, memory: "1g", env: {} };
  assert.equal(job.name, "job");
  assert.deepEqual(job.executor, { ...job.executor, ...size, instances: 3 });
  assert.deepEqual(job.driver, { ...job.driver, ...size });
  assert.deepEqual(job.data, { sales: { path: "sales.parquet", mode: "read", columns: {}, overwrite: false } });
  assert.equal(job.security.profile, "aes-gcm");
  assert.equal(job.security.secrets.application, "spark-secret");
  assert.deepEqual([job.timeout, job.startTimeout, job.retries, job.deployMode], ["24h", "120s", 0, "client"]);
  // What has neither a default nor a value is not there.
  assert.deepEqual([Object.hasOwn(job, "image"), Object.hasOwn(job, "pvc")], [false, false]);
  assert.throws(() => Object.assign(job.executor, { cores: 9 }), TypeError);
  assert.throws(() => job.args.push("x"), TypeError);
});

test("two files do not share their defaults", () => {
  assert.notEqual(parse("jar: a.jar").driver, parse("jar: a.jar").driver);
});

test("JSON, bytes, a byte order mark and CRLF are read", () => {
  assert.equal(parse('{"python": "a.py", "retries": 2}').retries, 2);
  assert.equal(parseJobFile(Buffer.from("\ufeffpython: ä.py\r\nretries: 1\r\n"), { file: FILE }).job.python, "ä.py");
});

test("arguments, variables and settings stay as written", () => {
  const job = parse(
    "python: a.py\nargs: [100, 1.10, 0x10, true, ~x]\ndriver: {env: {N: 007}}\nsparkConf: {spark.x.y: 1.0, spark.x.z: 12345678901234567890}",
  );
  assert.deepEqual(job.args, ["100", "1.10", "0x10", "true", "~x"]);
  assert.deepEqual(job.driver.env, { N: "007" });
  assert.deepEqual(job.sparkConf, { "spark.x.y": "1.0", "spark.x.z": "12345678901234567890" });
});

test("groups with nothing below them count as left out", () => {
  assert.deepEqual(parse("python: a.py\nsparkConf:\nargs:\nexecutor:\n  env:\n").executor.env, {});
});

test("anchors and aliases are read", () => {
  const job = parse("python: a.py\ndriver: {memory: &size 2g}\nexecutor: {memory: *size}");
  assert.equal(job.executor.memory, "2g");
});

test("older names are taken with a warning that stands at them", () => {
  const { job, warnings } = parseJobFile(
    "jar: a.jar\ndriverCores: 2\ndriverMem: 3g\nexecutorCores: 4\nexecutorMem: 5g\nexecutorInstances: 6\n",
    { file: FILE },
  );
  assert.deepEqual([job.driver.cores, job.driver.memory], [2, "3g"]);
  assert.deepEqual([job.executor.cores, job.executor.memory, job.executor.instances], [4, "5g", 6]);
  assert.deepEqual(warnings.map(brief), [
    ["JOB_KEY_RENAMED", "driverCores", 2, 1],
    ["JOB_KEY_RENAMED", "driverMem", 3, 1],
    ["JOB_KEY_RENAMED", "executorCores", 4, 1],
    ["JOB_KEY_RENAMED", "executorMem", 5, 1],
    ["JOB_KEY_RENAMED", "executorInstances", 6, 1],
  ]);
  assert.ok(warnings[0]?.mend.includes("driver.cores"));
});

test("older sizes of enclaves become sizes of today", () => {
  const { job } = parseJobFile(
    "jar: a.jar\nsgx: true\nsgxLog: all\ndriverMem: 1g\nsgxDriverMem: 32g\nsgxDriverJvmMem: 8g\nsgxExecutorJvmMem: 12g\n",
    { file: FILE },
  );
  assert.deepEqual([job.trust.tee, job.trust.sgxLog], ["sgx", "all"]);
  // The heap in the enclave counts, not the one that the older chart asked for outside.
  assert.deepEqual([job.driver.memory, job.driver.enclave, job.executor.memory], ["8g", "32g", "12g"]);
});

test("without SGX, older sizes of enclaves say nothing", () => {
  const { job, warnings } = parseJobFile("jar: a.jar\nsgx: false\ndriverMem: 2g\nsgxDriverJvmMem: 8g\n", {
    file: FILE,
  });
  assert.deepEqual([job.trust.tee, job.driver.memory, job.driver.enclave], ["none", "2g", undefined]);
  assert.deepEqual(
    warnings.map(({ path }) => path),
    ["sgx", "driverMem", "sgxDriverJvmMem"],
  );
});

test("in a cluster a job needs an image, and no program", () => {
  const parseThere = (text: string) => parseJobFile(text, { file: FILE, target: "cluster" }).job;
  assert.equal(parseThere("image: a:1").image, "a:1");
  assert.throws(() => parseThere("jar: a.jar"), { code: "JOB_INVALID" });
});

test("an older name with a wrong value is reported under the name in the file", () => {
  assert.deepEqual(findingsOf("jar: a.jar\ndriverMem: lots"), [["JOB_TYPE_WRONG", "driverMem", 2, 12]]);
});

test("older and newer name together are a conflict", () => {
  assert.deepEqual(findingsOf("jar: a.jar\ndriverMem: 1g\ndriver: {memory: 2g}"), [
    ["JOB_CONFLICT", "driverMem", 2, 1],
  ]);
});

/** One thing wrong gives one finding, at its place. */
const SINGLE: readonly [string, string, ReturnType<typeof brief>][] = [
  ["size", "jar: a\nexecutor:\n  memory: 2gigs", ["JOB_TYPE_WRONG", "executor.memory", 3, 11]],
  ["size as a number", "jar: a\nexecutor: {memory: 2}", ["JOB_TYPE_WRONG", "executor.memory", 2, 20]],
  ["no value", "jar: a\nexecutor: {memory: }", ["JOB_TYPE_WRONG", "executor.memory", 2, 20]],
  ["number in quotes", 'jar: a\nexecutor: {cores: "2"}', ["JOB_TYPE_WRONG", "executor.cores", 2, 19]],
  ["fraction", "jar: a\nexecutor: {cores: 1.5}", ["JOB_TYPE_WRONG", "executor.cores", 2, 19]],
  ["negative", "jar: a\nexecutor: {instances: -1}", ["JOB_VALUE_INVALID", "executor.instances", 2, 23]],
  ["absurd", "jar: a\nexecutor: {instances: 99999999}", ["JOB_VALUE_INVALID", "executor.instances", 2, 23]],
  ["choice", "jar: a\nsecurity: {profile: aes-gmc}", ["JOB_VALUE_INVALID", "security.profile", 2, 21]],
  ["choice of the wrong type", "jar: a\ntrust: {tee: 5}", ["JOB_VALUE_INVALID", "trust.tee", 2, 14]],
  ["boolean", "jar: a\neventLog: {enabled: yes}", ["JOB_TYPE_WRONG", "eventLog.enabled", 2, 21]],
  ["map", "jar: a\ndriver: big", ["JOB_TYPE_WRONG", "driver", 2, 9]],
  // Maps that cannot be made a text.
  ["map for a size", "jar: a\nexecutor: {memory: {toString: }}", ["JOB_TYPE_WRONG", "executor.memory", 2, 20]],
  ["map for a duration", "jar: a\ntimeout: {toString: }", ["JOB_TYPE_WRONG", "timeout", 2, 10]],
  ["map for a choice", "jar: a\ndeployMode: {toString: }", ["JOB_VALUE_INVALID", "deployMode", 2, 13]],
  ["map for a boolean", "jar: a\neventLog: {enabled: {toString: }}", ["JOB_TYPE_WRONG", "eventLog.enabled", 2, 21]],
  ["list", "jar: a\nargs: one two", ["JOB_TYPE_WRONG", "args", 2, 7]],
  ["argument", "jar: a\nargs: [a, {b: c}]", ["JOB_TYPE_WRONG", "args.1", 2, 11]],
  ["setting", "jar: a\nsparkConf:\n  spark.x: [1, 2]", ["JOB_TYPE_WRONG", "sparkConf.spark.x", 3, 12]],
  ["nested setting", "jar: a\nsparkConf:\n  spark: {x: 1}", ["JOB_TYPE_WRONG", "sparkConf.spark", 3, 10]],
  ["variable's name", "jar: a\ndriver: {env: {1X: a}}", ["JOB_VALUE_INVALID", "driver.env.1X", 2, 16]],
  ["dataset's name", "jar: a\ndata: {a-b: {path: x}}", ["JOB_VALUE_INVALID", "data.a-b", 2, 8]],
  ["no path", "jar: a\ndata: {a: {mode: read}}", ["JOB_VALUE_INVALID", "data.a", 2, 8]],
  ["path misspelt", "jar: a\ndata: {a: {pth: x}}", ["JOB_KEY_UNKNOWN", "data.a.pth", 2, 12]],
  ["program misspelt", "jarr: a", ["JOB_KEY_UNKNOWN", "jarr", 1, 1]],
  ["program of the wrong type", "jar: 5", ["JOB_TYPE_WRONG", "jar", 1, 6]],
  ["empty text", 'jar: " "', ["JOB_TYPE_WRONG", "jar", 1, 6]],
  [
    "refused setting",
    "jar: a\nsparkConf: {spark.authenticate: false}",
    ["JOB_SETTING_REFUSED", "sparkConf.spark.authenticate", 2, 13],
  ],
  [
    "refused variable",
    "jar: a\ndriver: {env: {LD_PRELOAD: x}}",
    ["JOB_SETTING_REFUSED", "driver.env.LD_PRELOAD", 2, 16],
  ],
  ["retired name", "jar: a\nkmsURL: x", ["JOB_KEY_UNKNOWN", "kmsURL", 2, 1]],
  ["name of a volume", "jar: a\nvolumes: {My_Vol: {}}", ["JOB_VALUE_INVALID", "volumes.My_Vol", 2, 11]],
  ["name of a file", "jar: a\nprogram: {a b: x}", ["JOB_VALUE_INVALID", "program.a b", 2, 11]],
  ["volume without its place", "jar: a\nvolumes: {a: {claim: c}}", ["JOB_VALUE_INVALID", "volumes.a", 2, 11]],
  ["list at the top", "- jar: a", ["JOB_TYPE_WRONG", undefined, 1, 1]],
  ["one word at the top", "jar", ["JOB_TYPE_WRONG", undefined, 1, 1]],
  ["no program", "name: x", ["JOB_CONFLICT", undefined, 1, 1]],
];

for (const [name, text, expected] of SINGLE) {
  test(`one finding: ${name}`, () => {
    const error = failureOf(text);
    assert.equal(error.code, "JOB_INVALID");
    assert.deepEqual(error.findings.map(brief), [expected]);
    assert.equal(error.findings[0]?.file, FILE);
    assert.ok((error.findings[0]?.mend ?? "").length > 0);
  });
}

test("all findings at once, by position", () => {
  const text =
    "driver: {memory: 1x}\ntypo: 1\njar: a\npython: b\nsparkConf:\n  spark.master: x\n  spark.authenticate: false\n";
  assert.deepEqual(findingsOf(text), [
    ["JOB_TYPE_WRONG", "driver.memory", 1, 18],
    ["JOB_KEY_UNKNOWN", "typo", 2, 1],
    ["JOB_CONFLICT", "python", 4, 9],
    ["JOB_SETTING_REFUSED", "sparkConf.spark.master", 6, 3],
    ["JOB_SETTING_REFUSED", "sparkConf.spark.authenticate", 7, 3],
  ]);
});

const MENDS: readonly [string, string][] = [
  ["jar: a\nexecutorMemory: 2g", "executor.memory"],
  ["jar: a\nmemory: 2g", "driver.memory"],
  ["jar: a\nexectuor: {}", "executor"],
  ["jar: a\nexecutor: {memry: 2g}", "memory"],
  ["jar: a\nexecutor: {memory: 1.5g}", "1536m"],
  ["jar: a\nexecutor: {memory: 2GB}", "2g"],
  ["jar: a\ntimeout: 2 hours", "2h"],
  ["jar: a\ntimeout: 120", "120s"],
  ["jar: a\nname: My Job", "my-job"],
  ["jar: a\nsecurity: {profile: tsl}", "tls"],
  ["jar: a\nsecurity: {profile: ssh2}", "aes-gcm"],
  ["jar: a\neventLog: {enabled: yes}", "true"],
  ["jar: 5", '"5"'],
  ["jar: a\narguments: [x]", "args"],
  ["jar: a\nkmsURL: x", "data:"],
];

for (const [text, mend] of MENDS) {
  test(`the mend of ${JSON.stringify(text)} says ${mend}`, () => {
    const [finding] = failureOf(text).findings;
    assert.ok(finding?.mend.includes(mend), finding?.mend);
  });
}

const bomb = Array.from(
  { length: 8 },
  (_, level) => `k${level}: &k${level} [${`${level === 0 ? "x" : `*k${level - 1}`},`.repeat(9)}]`,
).join("\n");

const UNREADABLE: readonly [string, string | Uint8Array][] = [
  ["nothing", ""],
  ["blanks", " \n\n"],
  ["comments", "# a\n# b\n"],
  ["a document without content", "---\n"],
  ["null", "null\n"],
  ["a NUL", "jar: a\0b"],
  ["no UTF-8", Uint8Array.of(0x6a, 0xff, 0xfe)],
  ["UTF-16", Buffer.from("\ufeffjar: a", "utf16le")],
  ["more than 1 MiB", `jar: a\n# ${"x".repeat(2 ** 20)}`],
  ["more than 1 MiB of bytes", Buffer.alloc(2 ** 20 + 1, "#")],
];

for (const [name, input] of UNREADABLE) {
  test(`unreadable: ${name}`, () => assert.equal(failureOf(input).code, "JOB_FILE_UNREADABLE"));
}

const SYNTAX: readonly [string, string, number[]][] = [
  ["tabs", "driver:\n\tcores: 2", [2]],
  ["an open quote", 'jar: "a\n', [2]],
  ["an open bracket", "args: [a, b\n", [2]],
  ["two colons", "jar: a: b", [1]],
  ["several documents", "jar: a\n---\njar: b", [2]],
  ["doubled keys", "jar: a\njar: b\ndriver: {cores: 1, cores: 1}", [2, 3]],
  ["a merge key", "jar: a\n<<: {name: b}", [2]],
  ["a tag", "jar: !file a", [1]],
  ["a language's tag", "jar: !!python/object:os.system a", [1]],
  ["a prototype", "jar: a\n__proto__: {name: b}", [2]],
  ["a prototype deep inside", "jar: a\ndriver: {env: {__proto__: b}}", [2]],
  ["a key that is a list", "jar: a\n? [x]\n: y", [2]],
  ["an alias to nothing", "jar: *a", [1]],
  ["an alias to itself", "jar: a\nargs: &a [*a]", [2]],
  ["an alias bomb", bomb, [5]],
  ["too many values", `args: [${"x,".repeat(10_001)}]`, [1]],
  ["endless nesting", "[".repeat(20_000), [1]],
  ["deep nesting", `jar: ${"[".repeat(40)}${"]".repeat(40)}`, [1]],
];

for (const [name, text, lines] of SYNTAX) {
  test(`syntax: ${name}`, () => {
    const error = failureOf(text);
    assert.equal(error.code, "JOB_FILE_SYNTAX");
    assert.deepEqual(
      error.findings.map(({ line }) => line),
      lines,
    );
    assert.ok(error.findings.every(({ code, file }) => code === "JOB_FILE_SYNTAX" && file === FILE));
  });
}

test("what is found later about a value is placed where that stands, or would stand", () => {
  const text =
    "jar: a.jar\ndriverMem: 2g\nvolumes:\n  models:\n    claim: c\n    mountPath: /mnt/m\nargs:\n  - x\n  - y\n";
  const { place } = parseJobFile(text, { file: FILE, target: "machine" });
  const rows: [path: string, line: number, column: number, shown: string][] = [
    ["jar", 1, 6, "jar"],
    ["driver.memory", 2, 12, "driverMem"],
    ["volumes.models.claim", 5, 12, "volumes.models.claim"],
    // A default: at what would hold it, which may be the file itself.
    ["volumes.models.readOnly", 5, 5, "volumes.models.readOnly"],
    ["args.1", 9, 5, "args.1"],
    ["executor.memory", 1, 1, "executor.memory"],
  ];
  for (const [path, line, column, shown] of rows) {
    assert.deepEqual(place({ path }), { path: shown, file: FILE, line, column });
  }
  const elsewhere: Pick<Finding, "path" | "code"> = { code: "BUG" };
  assert.deepEqual(place(elsewhere), { code: "BUG" });
});

test("a prototype key changes no object", () => {
  failureOf("jar: a\n__proto__: {polluted: 1}");
  assert.equal(Object.hasOwn(Object.prototype, "polluted"), false);
});

test("values of settings, variables and arguments are in no finding", () => {
  const error = failureOf(
    "jar: a\nargs: ['{data.x} hunter2']\nsparkConf: {spark.authenticate.secret: hunter2, spark.hadoop.fs.s3a.secret.key: hunter2}\ndriver: {env: {DB_PASSWORD: hunter2}}",
  );
  assert.equal(error.findings.length, 4);
  assert.equal(JSON.stringify(error.findings).includes("hunter2"), false);
});

test("any text gives a job or a coded error", () => {
  const words = fc.constantFrom(
    ..."jar: |driver|executor:|\n|  |{|}|[|]|, |: |- |memory|2g|&a |*a|!!str |'|\"|#|? |---|args|data|x|null|~|1|<<|sparkConf:|spark.master".split(
      "|",
    ),
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(words, { maxLength: 30 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (input) => {
      try {
        parseJobFile(input, { file: FILE });
      } catch (error) {
        assert.ok(error instanceof BulwarkError, String(error));
        assert.match(error.code, /^JOB_/);
      }
    }),
    { numRuns: 1500 },
  );
});

test("no job file with a refused setting is accepted", () => {
  const names = REFUSED_SETTINGS.flatMap((row) => row.names).filter((name) => !name.includes("*"));
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.stringMatching(/^[a-z]{1,9}x$/), (name, value) => {
      const [finding] = failureOf(JSON.stringify({ jar: "a", sparkConf: { [name]: value } })).findings;
      assert.equal(finding?.path, `sparkConf.${name}`);
    }),
  );
});
