// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError, type JobFile, parseJobFile, REFUSED_SETTINGS } from "@bulwark/contracts";
import fc from "fast-check";
import { type PlanInput, planRun, type RunPlan, requiredKeys } from "./plan.ts";
import { parseProperties } from "./properties-file.ts";
import { makePlanInput, readJob } from "./testing/plan-input.ts";

/** What each profile promises, written down here once more, apart from the plan. */
const PROMISED: Readonly<Record<JobFile["security"]["profile"], Readonly<Record<string, string>>>> = {
  "aes-gcm": {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    "spark.network.crypto.cipher": "AES/GCM/NoPadding",
    "spark.network.crypto.saslFallback": "false",
  },
  tls: {
    "spark.authenticate": "true",
    "spark.ssl.rpc.enabled": "true",
    "spark.ssl.rpc.protocol": "TLSv1.3",
  },
};
const SCRATCH = { "spark.io.encryption.enabled": "true", "spark.io.encryption.keySizeBits": "256" };
const ELSEWHERE = {
  "spark.ui.filters": "bulwark.ui.UiGate",
  "spark.ssl.ui.enabled": "true",
  "spark.driver.host": "127.0.0.1",
  "spark.driver.bindAddress": "127.0.0.1",
};

const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}$/);

/** Names of the refusal table with something in place of each star, in several spellings. */
const refusedName = fc
  .constantFrom(...REFUSED_SETTINGS.flatMap(({ names }) => names))
  .chain((pattern) => word.map((filling) => pattern.replaceAll("*", filling)))
  .chain((name) =>
    fc.constantFrom(
      name,
      ` ${name} `,
      name.toUpperCase(),
      name.replace("spark.", "Spark."),
      name.replace("spark.hadoop.", ""),
      `${name}.x`,
    ),
  );
/** Older and alternative names by which Spark reads some of them (ConfigEntry.withAlternative, SparkConf.configsWithAlternatives). */
const ALTERNATIVE_NAMES = [
  "spark.yarn.user.classpath.first",
  "spark.yarn.access.namenodes",
  "spark.authenticate.enableSaslEncryption",
  "spark.network.sasl.serverAlwaysEncrypt",
  "spark.network.crypto.keyFactoryAlgorithm",
  "spark.io.crypto.cipher.transformation",
  "spark.shuffle.io.connectionTimeout",
  "spark.rpc.io.connectionTimeout",
  "spark.driver.extraJavaOptions",
  "spark.executor.extraJavaOptions",
  "spark.history.fs.logDirectory",
  "spark.scheduler.listenerbus.eventqueue.size",
];
const ordinaryName = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => `spark.${words.join(".")}`);
const value = fc.oneof(
  fc.constantFrom("true", "false", "0", "1", "none", "AES/CTR/NoPadding", "TLSv1.2", "0.0.0.0", "/tmp/elsewhere", ""),
  fc.constantFrom(
    "-Dmine=1 -XX:+UseParallelGC",
    '-Dmine="a b"',
    "-Dspark.authenticate=false",
    "com.example.Main",
    "-cp /evil",
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

const wish = fc.record({
  profile: fc.constantFrom("aes-gcm" as const, "tls" as const),
  sparkConf: fc.dictionary(fc.oneof(refusedName, fc.constantFrom(...ALTERNATIVE_NAMES), ordinaryName), value, {
    maxKeys: 8,
  }),
  environment: fc.dictionary(
    fc.oneof(word, fc.constantFrom("SPARK_CONF_DIR", "SPARK_HOME", "BULWARK_RUN", "TMPDIR", "LD_PRELOAD")),
    value,
    { maxKeys: 4 },
  ),
  args: fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { maxLength: 4 }),
  isPython: fc.boolean(),
  hasData: fc.boolean(),
});

type Tree = Record<string, unknown>;

/** The job without what was refused: every key a finding names is taken out, so that most wishes become a job. */
function readAccepted(tree: Tree): JobFile | undefined {
  try {
    return readJob(tree);
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    assert.equal(error.code, "JOB_INVALID");
    return undefined;
  }
}

const accepted = wish.map(({ profile, sparkConf, environment, args, isPython, hasData }) => {
  const base = isPython ? { python: "app.py" } : { jar: "app.jar", class: "com.example.Main" };
  const security = { profile };
  const isFine = (part: Tree): boolean => readAccepted({ ...base, security, ...part }) !== undefined;
  const keep = (entries: object, toPart: (entry: Tree) => Tree): Tree =>
    Object.fromEntries(Object.entries(entries).filter(([name, each]) => isFine(toPart({ [name]: each }))));
  const env = keep(environment, (entry) => ({ driver: { env: entry }, executor: { env: entry } }));
  const tree = {
    ...base,
    security,
    sparkConf: keep(sparkConf, (entry) => ({ sparkConf: entry })),
    driver: { env },
    executor: { env },
    args: args.filter((argument) => isFine({ args: [argument] })),
    data: hasData ? { a: { path: "a.parquet", key: "a" }, b: { path: "b", mode: "write", key: "b" } } : {},
  };
  return { job: readAccepted(tree), tree };
});

const contentOf = (plan: RunPlan, path: string): string => {
  const file = plan.files.find((candidate) => candidate.path === path);
  assert.ok(file, `${path} is not planned`);
  return file.content;
};

/** Everything a process of the run shows to others: arguments, environment. */
const shownBy = (plan: RunPlan): string[] =>
  [plan.driver, plan.executor(0), plan.executor(7)].flatMap((process) => [
    process.executable,
    process.cwd,
    ...process.args,
    ...Object.entries(process.env).map(([name, each]) => `${name}=${each}`),
  ]);

const SECRET = /[A-Z]+-(SECRET|PASSWORD|TOKEN|KEYRING)-0123456789/;
const SECRETS = (input: PlanInput): string[] =>
  [input.authenticationSecret, input.uiToken, input.keys.storePassword, input.keyring ?? ""].filter(
    (secret) => secret !== "",
  );

function assertNoSecretShown(plan: RunPlan, input: PlanInput): void {
  const outside = plan.files.filter(({ path }) => !path.startsWith(`${input.folders.secrets}/`));
  const shown = [...shownBy(plan), ...outside.map(({ path, content }) => `${path}\n${content}`)].join("\n");
  for (const secret of SECRETS(input)) {
    const bytes = Buffer.from(secret);
    for (const spelling of [secret, bytes.toString("hex"), bytes.toString("base64"), bytes.toString("base64url")]) {
      assert.equal(shown.includes(spelling), false);
    }
  }
  for (const { path, mode } of plan.files) assert.equal(mode & 0o077, 0, path);
}

function assertKeepsProfile(plan: RunPlan, input: PlanInput): void {
  const { profile } = input.job.security;
  const promised = { ...PROMISED[profile], ...SCRATCH };
  const driver = parseProperties(contentOf(plan, "/runs/job-1/conf/spark.properties"));
  const executor = parseProperties(contentOf(plan, "/runs/job-1/secrets/executor.properties"));
  for (const [name, each] of Object.entries({ ...promised, ...ELSEWHERE, ...plan.required })) {
    assert.equal(driver[name], each, name);
  }
  for (const [name, each] of Object.entries(promised)) {
    assert.equal(executor[name], each, name);
    assert.equal(plan.required[name], each, name);
  }
}

/** The JVM takes the first word that is no option for the main class, and the last of several equal options. */
function assertStartsOurMain(args: readonly string[], main: string): void {
  const classPath = args.indexOf("-cp");
  const at = args.findIndex((argument, index) => !argument.startsWith("-") && index !== classPath + 1);
  assert.equal(args[at], main);
  const options = args.slice(0, at);
  assert.equal(
    options.filter((option) => option === "-cp" || option === "-classpath" || option.startsWith("-agent")).length,
    1,
  );
  const last = (prefix: string): string | undefined => options.findLast((option) => option.startsWith(prefix));
  assert.equal(last("-Djava.io.tmpdir="), "-Djava.io.tmpdir=/runs/job-1/work/tmp");
  assert.match(last("-Dlog4j2.configurationFile=") ?? "", /:(\/\/)?\/runs\/job-1\/conf\//);
  assert.equal(last("-Xmx"), "-Xmx1g");
}

test("no job file that is accepted weakens its profile or shows a secret", () => {
  let withSettings = 0;
  fc.assert(
    fc.property(accepted, ({ job, tree }) => {
      assert.ok(job, `parts that are accepted one by one are accepted together: ${JSON.stringify(tree)}`);
      if (Object.keys(job.sparkConf).length > 0) withSettings++;
      const keyring = requiredKeys(job, "/").length > 0 ? "THE-KEYRING-0123456789" : undefined;
      const input = makePlanInput(job, { keyring });
      const plan = planRun(input);
      assertKeepsProfile(plan, input);
      assertNoSecretShown(plan, input);
      assertStartsOurMain(plan.driver.args, "bulwark.launch.DriverMain");
      assertStartsOurMain(plan.executor(3).args, "bulwark.launch.ExecutorMain");
      for (const { env } of [plan.driver, plan.executor(3)]) {
        assert.equal(env.BULWARK_RUN, "job-1");
        assert.equal(env.SPARK_CONF_DIR, "/runs/job-1/conf");
        assert.equal(env.TMPDIR, "/runs/job-1/work/tmp");
        assert.equal(env.LD_PRELOAD, undefined);
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(withSettings > 100, "too few jobs had settings of their own");
});

test("settings that went round the job file's checks do not weaken the profile either", () => {
  const conf = fc.dictionary(
    fc.oneof(refusedName, fc.constantFrom(...Object.keys({ ...SCRATCH, ...ELSEWHERE }))),
    value,
  );
  fc.assert(
    fc.property(conf, fc.constantFrom("aes-gcm" as const, "tls" as const), (sparkConf, profile) => {
      const job = { ...readJob({ python: "app.py", security: { profile } }), sparkConf };
      const input = makePlanInput(job);
      assertKeepsProfile(planRun(input), input);
    }),
  );
});

test("secrets are in the secrets folder alone, each where it is needed", () => {
  for (const profile of ["aes-gcm", "tls"]) {
    const job = readJob({ python: "app.py", security: { profile }, data: { a: { path: "a", key: "a" } } });
    const plan = planRun(makePlanInput(job, { keyring: "THE-KEYRING-0123456789" }));
    const holding = plan.files
      .filter(({ content }) => SECRET.test(content))
      .map(({ path }) => path.split("/").slice(-2).join("/"));
    assert.deepEqual(holding, ["secrets/driver.properties", "secrets/executor.properties", "secrets/keyring.json"]);
    const executor = contentOf(plan, "/runs/job-1/secrets/executor.properties");
    assert.equal(executor.includes("UI-TOKEN"), false);
    assert.equal(executor.includes("STORE-PASSWORD"), profile === "tls");
  }
});

test("a job without keys gets no keyring, and one that is no program gets no plan", () => {
  const job = readJob({ jar: "app.jar", class: "A" });
  const plan = planRun(makePlanInput(job));
  assert.equal(
    plan.files.some(({ path }) => path.endsWith("keyring.json")),
    false,
  );
  assert.equal(
    plan.driver.args.some((argument) => argument.includes("keyring")),
    false,
  );
  const { jar: _jar, ...none } = job;
  assert.throws(() => planRun(makePlanInput(none)), { code: "JOB_CONFLICT" });
});

test("the program comes last, with its arguments as they were written", () => {
  const job = readJob({
    jar: "app.jar",
    class: "com.example.Main",
    args: ["--conf", "spark.authenticate=false", "-1", ""],
  });
  const { driver } = planRun(makePlanInput(job));
  assert.deepEqual(driver.args.slice(-7), [
    "--class",
    "com.example.Main",
    "/jobs/my job/app.jar",
    "--conf",
    "spark.authenticate=false",
    "-1",
    "",
  ]);
  assert.equal(driver.cwd, "/jobs/my job");
});

test("executors differ by number alone, and each role has its own archive, log and environment", () => {
  const job = readJob({
    python: "a.py",
    driver: { env: { A: "driver" } },
    executor: { instances: 3, cores: 2, env: { A: "executor" } },
  });
  const plan = planRun(makePlanInput(job));
  assert.equal(plan.executors, 3);
  const [zero, one] = [plan.executor(0), plan.executor(1)];
  const differing = zero.args.flatMap((argument, index) => (argument === one.args[index] ? [] : [argument]));
  assert.deepEqual(differing, ["-Dbulwark.log=/runs/job-1/logs/executor-0.log", "0"]);
  assert.deepEqual([plan.driver.env.A, zero.env.A], ["driver", "executor"]);
  assert.ok(plan.driver.args.includes("-XX:SharedArchiveFile=/d.jsa"));
  assert.ok(zero.args.includes("-XX:SharedArchiveFile=/e.jsa"));
});

test("the same input gives the same plan", () => {
  const input = makePlanInput(readJob({ python: "a.py", data: { a: { path: "a", key: "a" } } }), { keyring: "{}" });
  assert.deepEqual(planRun(input).files, planRun(input).files);
  assert.deepEqual(planRun(input).driver, planRun(input).driver);
});

test("the launcher of Python keeps a path with a quote in one word", () => {
  const launcher = contentOf(planRun(makePlanInput(readJob({ python: "a.py" }))), "/runs/job-1/conf/python");
  assert.ok(launcher.includes(String.raw`'/spark'\''s python/bin/python'`));
});

test("a job file that names a refused setting is no job, so nothing is planned from it", () => {
  assert.throws(
    () => parseJobFile(JSON.stringify({ jar: "a.jar", sparkConf: { "spark.authenticate": "false" } }), { file: "a" }),
    { code: "JOB_INVALID" },
  );
});

test("libraries come from the mirror alone, into this run's own folder", () => {
  const maven = { packages: ["org.a:b:1", "org.c:d:2"], mirror: "https://maven.example/a?b&c" };
  const plan = planRun(makePlanInput(readJob({ jar: "a.jar", maven })));
  const find = (name: string) => plan.files.find(({ path }) => path.endsWith(name))?.content ?? "";
  const settings = parseProperties(find("spark.properties"));
  assert.equal(settings["spark.jars.packages"], "org.a:b:1,org.c:d:2");
  assert.equal(settings["spark.jars.ivySettings"], "/runs/job-1/conf/ivysettings.xml");
  assert.ok(find("ivysettings.xml").includes('root="https://maven.example/a?b&amp;c"'));
  const without = parseProperties(
    planRun(makePlanInput(readJob({ jar: "a.jar" }))).files.find(({ path }) => path.endsWith("spark.properties"))
      ?.content ?? "",
  );
  assert.equal(without["spark.jars.packages"], undefined);
});
