// SPDX-License-Identifier: Apache-2.0
// Reason for length: one rendering of the chart, looked at from every side.
// The chart as plain Helm renders it: parsed, and judged by what it means.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv } from "ajv";
import fc from "fast-check";
import { stringify } from "yaml";
import { enclaveBytes, findRefusedSettings, parseJobFile, REFUSED_SETTINGS } from "../packages/contracts/src/index.ts";
import { renderChartPlan } from "../packages/spark/src/index.ts";
import {
  CHART,
  find,
  findHelms,
  listPods,
  type Rendered,
  render,
  renderNotes,
  renderObjects,
  runHelm,
} from "./chart/helm.ts";
import { readJavaProperties } from "./chart/java-properties.ts";
import { canReach } from "./chart/network.ts";
import { findBroken } from "./chart/restricted.ts";
import { DIGEST, REFUSED, VARIANTS } from "./chart/variants.ts";

const GOLDEN = join(import.meta.dirname, "chart", "golden");
const IMAGE = "registry.example/bulwark-spark:1";
const helms = findHelms();
const [helm = ""] = helms;
const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;

/** Rendered once for all tests that look at it. */
const rendered = new Map<string, Rendered[]>();
function variant(name: string): Rendered[] {
  const known = rendered.get(name) ?? renderObjects(helm, VARIANTS[name] ?? {});
  rendered.set(name, known);
  return known;
}
const settingsOf = (objects: Rendered[]): Readonly<Record<string, string>> =>
  readJavaProperties(find(objects, "ConfigMap", "pi-conf").data["spark.properties"]);
const podOf = (objects: Rendered[], role: string): Rendered => listPods(objects).find((pod) => pod.role === role);

for (const program of helms) {
  test(`lint finds nothing: ${runHelm(program, ["version", "--short"]).stdout.trim()}`, () => {
    const { status, stdout, stderr } = runHelm(program, ["lint", "--strict", CHART]);
    assert.equal(status, 0, stdout + stderr);
  });

  test(`every variant renders the same: ${program}`, () => {
    for (const name of Object.keys(VARIANTS)) {
      assert.deepEqual(renderObjects(program, VARIANTS[name] ?? {}), variant(name), name);
    }
  });
}

for (const name of Object.keys(VARIANTS)) {
  test(`every pod of ${name} passes the restricted standard`, { skip }, () => {
    const pods = listPods(variant(name));
    assert.ok(pods.length >= 2);
    for (const { role, spec } of pods) assert.deepEqual(findBroken(spec), [], role);
  });
}

test("a broken pod is found: the rules can fail", { skip }, () => {
  const { spec } = podOf(variant("plain"), "driver");
  const [container] = spec.containers;
  const breaks: [object, string][] = [
    [{ ...spec, hostNetwork: true }, "no host namespaces"],
    [{ ...spec, volumes: [...spec.volumes, { name: "h", hostPath: { path: "/" } }] }, "restricted kinds of volumes"],
    [
      { ...spec, containers: [{ ...container, securityContext: { ...container.securityContext, privileged: true } }] },
      "no privilege",
    ],
    [{ ...spec, initContainers: [{ ...container, envFrom: [] }] }, "no environment from elsewhere"],
    [{ ...spec, enableServiceLinks: undefined }, "no service links"],
  ];
  for (const [broken, what] of breaks) assert.deepEqual(findBroken(broken), [what]);
});

test("executors have no token and no rights; the driver has one Role and nothing else", { skip }, () => {
  for (const name of Object.keys(VARIANTS)) {
    const objects = variant(name);
    assert.equal(podOf(objects, "executor").spec.automountServiceAccountToken, false, name);
    const kinds = new Set(objects.map(({ kind }) => kind));
    for (const kind of ["ClusterRole", "ClusterRoleBinding", "Secret"]) assert.ok(!kinds.has(kind), kind);
  }
  const objects = variant("plain");
  const { rules } = find(objects, "Role");
  assert.deepEqual(rules, [
    {
      apiGroups: [""],
      resources: ["pods", "services", "configmaps", "persistentvolumeclaims"],
      verbs: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
    },
  ]);
  const [subject] = find(objects, "RoleBinding").subjects;
  assert.deepEqual(subject, { kind: "ServiceAccount", name: "pi-driver", namespace: "team" });
  assert.equal(podOf(objects, "driver").spec.serviceAccountName, "pi-driver");
  assert.equal(podOf(objects, "executor").spec.serviceAccountName, "pi-executor");
});

test("templates draw no lots, and look nothing up but jobs that an upgrade finds, with what these use", () => {
  const folder = join(CHART, "templates");
  const lookups = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    assert.doesNotMatch(text, /\b(rand[A-Z]\w*|uuidv4|now|genSelf\w+)\b/, file);
    return text.split("\n").filter((line) => /\blookup\b/.test(line));
  });
  assert.deepEqual(
    lookups.map((line) => /lookup "[^"]*" "(\w+)"/.exec(line)?.[1]),
    ["CronJob", "Job", "Job", "ConfigMap", "ConfigMap"],
  );
});

test("the profile's settings come from one source and win over the user's", { skip }, () => {
  const plan = JSON.parse(renderChartPlan());
  for (const [name, profile] of [
    ["plain", "aes-gcm"],
    ["tls", "tls"],
  ] as const) {
    const settings = settingsOf(variant(name));
    for (const [key, value] of Object.entries({ ...plan.channel[profile], ...plan.scratch, ...plan.ui })) {
      assert.equal(settings[key], value, key);
    }
  }
  // What the schema lets through because it is the same, or because a template did not know it, is set by us anyway.
  const outcome = render(helm, {
    image: IMAGE,
    sparkConf: { "spark.authenticate": true, "spark.sql.shuffle.partitions": 10000000 },
  });
  assert.ok("objects" in outcome);
  const settings = settingsOf(outcome.objects);
  assert.deepEqual([settings["spark.authenticate"], settings["spark.sql.shuffle.partitions"]], ["true", "10000000"]);
});

test("with every check of values off, our settings still win", { skip }, () => {
  const sparkConf = {
    "spark.authenticate": "false",
    "spark.network.crypto.cipher": "AES/CTR/NoPadding",
    "spark.plugins": "a.B",
  };
  const outcome = render(helm, { image: IMAGE, sparkConf }, { flags: ["--skip-schema-validation"] });
  assert.ok("objects" in outcome, "refused" in outcome ? outcome.refused : "");
  const settings = settingsOf(outcome.objects);
  assert.equal(settings["spark.authenticate"], "true");
  assert.equal(settings["spark.network.crypto.cipher"], "AES/GCM/NoPadding");
  assert.equal(settings["spark.plugins"], "bulwark.cluster.Plugin,a.B");
});

for (const [what, [values, reason]] of Object.entries(REFUSED)) {
  test(`plain Helm refuses: ${what}`, { skip }, () => {
    for (const program of helms) {
      const outcome = render(program, values);
      assert.ok("refused" in outcome, `${program} accepted it`);
      assert.match(outcome.refused, reason);
    }
  });
}

test("what reading a job file refuses, the schema refuses, and nothing else", () => {
  const validate = new Ajv({ strict: false }).compile(
    JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")),
  );
  const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,6}$/);
  const named = fc
    .constantFrom(...REFUSED_SETTINGS.flatMap(({ names, except }) => [...names, ...(except ?? [])]))
    .chain((pattern) => word.map((filling) => pattern.replaceAll("*", filling)));
  const setting = fc.oneof(
    named,
    word.map((name) => `spark.${name}`),
    fc.constantFrom("spark.driver.extraJavaOptions", "x.y", "spark.a b", "spark.token"),
  );
  const value = fc.oneof(
    word,
    fc.constantFrom(
      "true",
      "false",
      "256",
      "HmacSHA256",
      `$${"{env:HOME}"}`,
      "-Xss1m",
      "-Da=b",
      "-javaagent:x",
      "-Djava.home=x",
      "a\nb",
      "a\u0085b",
      "https://user:password@x.example/",
    ),
  );
  fc.assert(
    fc.property(setting, value, (key, text) => {
      const refused = findRefusedSettings({ [key]: text }, "aes-gcm").length > 0;
      // What one profile sets and the other does not, the schema cannot tell apart, so it refuses it.
      if (!refused && /^spark\.(network\.crypto|ssl)\./.test(key)) return;
      assert.equal(validate({ sparkConf: { [key]: text } }), !refused, `${key}=${text}`);
      if (!refused) assert.equal(validate({ sparkConf: { "spark.sql.shuffle.partitions": 200 } }), true);
    }),
    { numRuns: 2000 },
  );
});

test("a job file as it was read is a values file", () => {
  const validate = new Ajv({ strict: false }).compile(
    JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")),
  );
  for (const [name, values] of Object.entries(VARIANTS)) {
    const { job } = parseJobFile(JSON.stringify(values), { file: name, target: "cluster" });
    assert.ok(validate(job), `${name}: ${JSON.stringify(validate.errors)}`);
  }
});

test("secrets are named and mounted, and stand nowhere else", { skip }, () => {
  const objects = variant("data");
  const mounted = (role: string, job = objects): string[] =>
    podOf(job, role)
      .spec.volumes.filter((volume: Rendered) => volume.secret)
      .map((volume: Rendered) => volume.secret.secretName);
  assert.deepEqual(mounted("driver"), ["spark-secret", "ssl-keys", "ssl-password", "pi-keyring"]);
  assert.deepEqual(mounted("executor"), ["spark-secret", "pi-keyring"], "the web UI's key is the driver's alone");
  assert.deepEqual(mounted("executor", variant("tls")), mounted("driver", variant("tls")));
  assert.deepEqual(mounted("driver", variant("no-ui")), ["spark-secret"], "without TLS no key store is mounted");
  assert.deepEqual(mounted("launcher", variant("cluster")), []);
  assert.ok(!JSON.stringify(objects).includes("enclave-key"));
});

test("a role gets the entries of a Secret that it reads, and no key of another role", { skip }, () => {
  const entries = (name: string, role: string): Record<string, string[]> =>
    Object.fromEntries(
      podOf(variant(name), role)
        .spec.volumes.filter((volume: Rendered) => volume.secret && volume.name.startsWith("secret-"))
        .map(({ name: volume, secret }: Rendered) => {
          assert.deepEqual([secret.defaultMode, secret.optional ?? false], [0o400, /-(keys|password)$/.test(volume)]);
          for (const { key, path, mode } of secret.items) assert.deepEqual([path, mode], [key, undefined]);
          return [volume, secret.items.map(({ key }: Rendered) => key)];
        }),
    );
  const older = ["keystore.p12", "keystore.pkcs12"];
  const password = ["password", "key.txt", "output.bin"];
  const rows: [name: string, role: string, expected: Record<string, string[]>][] = [
    ["plain", "executor", { "secret-application": ["secret"] }],
    ["data", "executor", { "secret-application": ["secret"], "secret-keyring": ["keyring.json"] }],
    [
      "plain",
      "driver",
      {
        "secret-application": ["secret"],
        "secret-keys": ["driver.p12", "truststore.p12", "server.p12", ...older],
        "secret-password": password,
      },
    ],
    [
      "tls",
      "executor",
      {
        "secret-application": ["secret"],
        "secret-keys": ["executor.p12", "truststore.p12", ...older],
        "secret-password": password,
      },
    ],
    ["tls", "driver", entries("plain", "driver")],
    [
      "own-secrets",
      "executor",
      {
        "secret-application": ["token"],
        "secret-keys": entries("tls", "executor")["secret-keys"] ?? [],
        "secret-password": password,
      },
    ],
    ["cluster", "launcher", {}],
    ["cluster", "executor", entries("tls", "executor")],
  ];
  for (const [name, role, expected] of rows) assert.deepEqual(entries(name, role), expected, `${role} of ${name}`);
  // With one Secret for both, as submit makes it, a role's mounts are as narrow.
  const { volumes } = podOf(variant("own-secrets"), "executor").spec;
  const ofOne = volumes.filter(({ secret }: Rendered) => secret?.secretName === "team-tls");
  assert.equal(ofOne.length, 2);
  assert.ok(!JSON.stringify(ofOne).match(/driver|server/));
});

test("where a claim keeps event logs, both roles keep what they print, and the driver alone has the claim", {
  skip,
}, () => {
  const objects = variant("event-log");
  const claims = (role: string): string[] =>
    podOf(objects, role).spec.volumes.flatMap((volume: Rendered) => volume.persistentVolumeClaim?.claimName ?? []);
  assert.deepEqual([claims("driver"), claims("executor")], [["logs"], []]);
  const areKept = (its: Rendered[]): boolean[] => {
    const { data } = find(its, "ConfigMap", "pi-conf");
    return ["driver.jvm", "executor.jvm"].map((file) => /^"?-Dbulwark\.log\.copy=/m.test(data[file]));
  };
  assert.deepEqual(areKept(objects), [true, true]);
  // Spark demands that the folder is there: the driver makes it.
  const { data: files } = find(objects, "ConfigMap", "pi-conf");
  const makes = ["driver.jvm", "executor.jvm"].map((file) =>
    files[file].includes('\n"-Dbulwark.eventlog.folder=/var/bulwark/eventlog/spark"\n'),
  );
  assert.deepEqual(makes, [true, false]);
  const stored = variant("event-log-s3");
  assert.deepEqual(areKept(stored), [true, true]);
  assert.deepEqual(areKept(variant("plain")), [false, false]);
  const { data } = find(stored, "ConfigMap", "pi-conf");
  const { spec } = find(stored, "Job", "pi");
  const reader = JSON.parse(data["driver.yaml"]);
  assert.equal(reader.spec.serviceAccountName, spec.template.spec.serviceAccountName);
  assert.deepEqual(reader.spec.volumes, spec.template.spec.volumes);
});

test("who may reach whom", { skip }, () => {
  const policies = variant("event-log-s3").filter(({ kind }) => kind === "NetworkPolicy");
  const pod = (release: string, role: string) => ({
    pod: { "app.kubernetes.io/name": "spark-job", "app.kubernetes.io/instance": release, "bulwark/role": role },
  });
  const [driver, executor, other] = [pod("pi", "driver"), pod("pi", "executor"), pod("else", "executor")];
  const stranger = { stranger: true } as const;
  const api = { address: "10.96.0.1" };
  const table: [Parameters<typeof canReach>[1], Parameters<typeof canReach>[2], number, boolean][] = [
    [executor, driver, 7078, true],
    [executor, driver, 7079, true],
    [driver, executor, 7079, true],
    [executor, executor, 7079, true],
    [executor, driver, 4440, false],
    [executor, executor, 7078, false],
    [other, driver, 7078, false],
    [other, executor, 7079, false],
    [executor, other, 7079, false],
    [stranger, driver, 7078, false],
    [stranger, executor, 7079, false],
    [{ address: "192.0.2.1" }, driver, 4440, false],
    [driver, api, 443, true],
    [driver, api, 6443, true],
    [driver, api, 80, false],
    [executor, api, 443, false],
    [executor, { address: "10.1.2.3" }, 9000, true],
    [executor, { address: "10.1.2.3" }, 443, false],
    [driver, { address: "10.2.2.3" }, 9000, false],
    [pod("pi", "reader"), { address: "10.1.2.3" }, 9000, true],
    [pod("pi", "reader"), { address: "10.2.2.3" }, 9000, false],
    [executor, { address: "198.51.100.7" }, 443, false],
  ];
  for (const [from, to, port, expected] of table) {
    assert.equal(canReach(policies, from, to, port), expected, JSON.stringify([from, to, port]));
  }
  assert.ok(canReach(policies, executor, { address: "10.96.0.10" }, 53, "UDP"));
  // Without policies everybody reaches everybody: the evaluator can say so.
  assert.ok(canReach([], stranger, driver, 7078));
});

test("enclaves: the chart and the package reckon the same, requests equal limits", { skip }, () => {
  const size = fc.record({
    memory: fc.integer({ min: 512, max: 40_000 }).map((mebibytes) => `${mebibytes}m`),
    memoryOverhead: fc.option(fc.constantFrom("1g", "600m", "3000000k"), { nil: undefined }),
  });
  fc.assert(
    fc.property(size, size, fc.boolean(), (driver, executor, python) => {
      const values = { image: DIGEST, trust: { tee: "sgx" }, driver, executor, ...(python ? { python: "/a.py" } : {}) };
      const { job } = parseJobFile(JSON.stringify(values), { file: "job", target: "cluster" });
      const objects = renderObjects(helm, job);
      for (const role of ["driver", "executor"] as const) {
        const [{ resources }] = podOf(objects, role).spec.containers;
        assert.equal(
          Number(resources.limits["sgx.intel.com/epc"]),
          Math.ceil(enclaveBytes(job, role) / 2 ** 20) * 2 ** 20,
        );
        assert.deepEqual(resources.requests, resources.limits);
      }
    }),
    { numRuns: 15 },
  );
});

test("the shape of each TEE", { skip }, () => {
  const sgx = podOf(variant("sgx"), "executor");
  assert.equal(sgx.metadata.annotations["sgx.intel.com/quote-provider"], sgx.spec.containers[0].name);
  assert.equal(sgx.spec.nodeSelector["intel.feature.node.kubernetes.io/sgx"], "true");
  assert.equal(
    podOf(variant("sgx"), "driver").spec.containers[0].resources.limits["sgx.intel.com/epc"],
    String(8 * 2 ** 30),
  );
  assert.equal(settingsOf(variant("sgx"))["spark.python.use.daemon"], "false");
  assert.equal(settingsOf(variant("plain"))["spark.python.use.daemon"], undefined);
  const arenas = sgx.spec.containers[0].env.find(({ name }: Rendered) => name === "MALLOC_ARENA_MAX");
  assert.equal(arenas.value, "4");

  const tdx = podOf(variant("tdx"), "executor");
  assert.equal(tdx.spec.runtimeClassName, "kata-qemu-tdx");
  const kata = (key: string) => tdx.metadata.annotations[`io.katacontainers.config.${key}`];
  assert.equal(kata("hypervisor.default_vcpus"), "4");
  // 8 GiB of heap, a tenth of it, and 3 GiB for the image.
  assert.equal(kata("hypervisor.default_memory"), String(8192 + 820 + 3072));
  assert.equal(tdx.spec.containers[0].resources.limits.memory, `${8192 + 820 + 3072}Mi`);
  assert.equal(kata("hypervisor.cc_init_data"), "H4sIAAAAAAAAAwMAAAAAAAAAAAA=");
  const snp = podOf(variant("snp"), "driver");
  assert.equal(snp.spec.runtimeClassName, "kata-qemu-snp");
  assert.equal(snp.metadata.annotations["io.katacontainers.config.runtime.create_container_timeout"], "1200");
  // Half of the VM holds the image.
  assert.equal(snp.metadata.annotations["io.katacontainers.config.hypervisor.default_memory"], "10240");
  assert.equal(podOf(variant("simulation"), "driver").metadata.annotations["bulwark/trust"], "simulation");
});

test("a job is repeated only where it can succeed, and never by two drivers", { skip }, () => {
  const { spec } = find(variant("plain"), "Job");
  assert.equal(spec.podReplacementPolicy, "Failed");
  assert.deepEqual(spec.podFailurePolicy.rules[0].onExitCodes, {
    containerName: "spark-driver",
    operator: "In",
    values: [3, 6],
  });
  const cron = find(variant("schedule"), "CronJob").spec;
  assert.deepEqual(
    [cron.timeZone, cron.concurrencyPolicy, cron.schedule],
    ["Europe/Berlin", "Replace", "30 4 * * 1-5"],
  );
  assert.equal(cron.jobTemplate.spec.backoffLimit, 3);
  assert.equal(cron.jobTemplate.spec.ttlSecondsAfterFinished, 3600);
});

test("what a running job was given cannot be changed below it", { skip }, () => {
  const of = (name: string) => variant(name).filter(({ kind }) => kind === "ConfigMap");
  assert.deepEqual(
    of("python").map(({ immutable }) => immutable),
    [true, true],
  );
  assert.deepEqual(
    of("schedule").map(({ immutable, data }) => [immutable, data === undefined]),
    [
      [false, true],
      [true, false],
    ],
  );
  // Nothing in the pod tells the version of the chart: a newer chart that renders the same leaves the Job as it is.
  assert.ok(!JSON.stringify(find(variant("plain"), "Job").spec).includes("spark-job-0."));
});

/** What each pod of a schedule mounts, by role and volume. */
function mountsOfSchedule(values: object): string[] {
  const objects = renderObjects(helm, { image: IMAGE, schedule: "* * * * *", ...values });
  const known = objects
    .filter(({ kind, data, binaryData }) => kind === "ConfigMap" && (data || binaryData))
    .map(({ metadata }) => metadata.name);
  return listPods(objects).flatMap(({ role, spec }) =>
    spec.volumes
      .filter(({ configMap }: Rendered) => configMap)
      .map(({ name, configMap }: Rendered) => {
        assert.ok(known.includes(configMap.name), `${role} mounts ${configMap.name}`);
        return `${role} ${name} ${configMap.name}`;
      }),
  );
}

test("the pods of a schedule mount one generation, which any change of content changes", { skip }, () => {
  const first = { deployMode: "cluster", python: "a.py", program: { "a.py": "1" } };
  const mounts = mountsOfSchedule(first);
  assert.deepEqual(mounts.map((mount) => mount.replace(/-[0-9a-f]{10}$/, "")).toSorted(), [
    "driver conf pi-conf",
    "driver program pi-program",
    "executor conf pi-conf",
    "executor program pi-program",
    "launcher conf pi-conf",
  ]);
  const generationOf = (values: object): string => {
    const [generation = "", ...others] = new Set(mountsOfSchedule(values).map((mount) => mount.slice(-10)));
    assert.match(generation, /^[0-9a-f]{10}$/);
    assert.deepEqual(others, []);
    return generation;
  };
  const generation = generationOf(first);
  const same = [first, { ...first, schedule: "1 * * * *" }, { ...first, retries: 3 }, { ...first, suspend: true }];
  for (const values of same) assert.equal(generationOf(values), generation);
  const changes = [
    { program: { "a.py": "2" } },
    { program: { "a.py": "base64:MQ==" } },
    { sparkConf: { "spark.sql.shuffle.partitions": "3" } },
    { executor: { podTemplate: { labels: { team: "a" } } } },
    { executor: { instances: 7 } },
  ];
  const generations = changes.map((change) => generationOf({ ...first, ...change }));
  assert.equal(new Set([generation, ...generations]).size, changes.length + 1);
});

test("entries that the user names have their defaults with plain Helm, too", { skip }, () => {
  const datasets = JSON.parse(find(variant("data"), "ConfigMap", "pi-conf").data["datasets.json"]);
  assert.deepEqual(
    datasets.map(({ name, mode, overwrite }: Rendered) => [name, mode, overwrite]),
    [
      ["model", "write", true],
      ["patients", "read", false],
    ],
  );
  const mountsOf = (role: string) =>
    podOf(variant("volumes"), role)
      .spec.containers[0].volumeMounts.filter(({ mountPath }: Rendered) => mountPath.startsWith("/mnt/"))
      .map(({ mountPath, readOnly }: Rendered) => [mountPath, readOnly]);
  assert.deepEqual(mountsOf("executor"), [
    ["/mnt/cloud", true],
    ["/mnt/fast", false],
    ["/mnt/models", true],
  ]);
  assert.deepEqual(mountsOf("driver")[1], ["/mnt/extra", true]);
});

test("older values mean what they meant", { skip }, () => {
  const objects = variant("older");
  const settings = settingsOf(objects);
  assert.deepEqual([settings["spark.executor.cores"], settings["spark.executor.memory"]], ["8", "12g"]);
  const [driver] = podOf(objects, "driver").spec.containers;
  assert.equal(driver.resources.limits["sgx.intel.com/epc"], String(32 * 2 ** 30));
  assert.ok(
    driver.args.includes("local:///ppml/trusted-big-data-ml/work/spark-3.1.2/examples/jars/spark-examples.jar"),
  );
  assert.equal(driver.env.find(({ name }: Rendered) => name === "BULWARK_MASTER").value, "k8s://https://10.0.0.1:6443");
  const native = renderObjects(helm, { image: IMAGE, sgx: false, driverMem: "2g", sgxDriverJvmMem: "8g" });
  assert.equal(settingsOf(native)["spark.driver.memory"], "2g");
});

test("long and odd release names give names that Kubernetes takes", { skip }, () => {
  for (const release of ["a", "1st", `${"x".repeat(52)}-`.slice(0, 53).replace(/-$/, "y"), "a.b"]) {
    const objects = renderObjects(helm, VARIANTS.schedule ?? {}, release);
    for (const { kind, metadata } of objects) {
      assert.match(metadata.name, /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, kind);
      assert.ok(metadata.name.length <= (kind === "ConfigMap" ? 253 : 63), kind);
      if (kind === "CronJob") assert.ok(metadata.name.length <= 52);
      if (kind === "Service") assert.match(metadata.name, /^[a-z][-a-z0-9]{0,62}$/);
    }
  }
});

/** What the notes say of trust, by trust.tee. */
const TRUST_NOTES: Readonly<Record<string, RegExp>> = {
  none: /^No TEE: who is root on the nodes can read the memory/m,
  simulation: /^SIMULATED TEE: nothing is protected from the owner of the machines/m,
  sgx: /^Secrets of this release are plain Kubernetes Secrets: the hosts can read them/m,
};

test("notes of every shape are shorter than 15 lines, and say what is not protected and nothing else", { skip }, () => {
  for (const [name, values] of Object.entries(VARIANTS)) {
    const notes = renderNotes(helm, values);
    const lines = notes.split("\n").length;
    assert.ok(lines < 15, `${name}: ${lines} lines\n${notes}`);
    const { trust = {}, sgx = false } = values as { trust?: { tee?: string }; sgx?: boolean };
    const tee = sgx ? "sgx" : (trust.tee ?? "none");
    assert.match(notes, new RegExp(`TEE ${tee}\\b`), name);
    for (const [key, words] of Object.entries(TRUST_NOTES)) {
      const isSaid = key === (["tdx", "snp"].includes(tee) ? "sgx" : tee);
      assert.equal(words.test(notes), isSaid, `${name} and the words of ${key}`);
    }
  }
});

for (const name of [
  ...["plain", "tls", "own-secrets", "cluster", "data", "schedule", "sgx", "tdx", "snp", "simulation"],
  ...["volcano", "yunikorn", "kueue"],
]) {
  test(`${name} is rendered as written down`, { skip }, () => {
    const file = join(GOLDEN, `${name}.yaml`);
    const text = variant(name)
      .map((object) => stringify(object))
      .join("---\n");
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(file, text);
    assert.equal(
      text,
      readFileSync(file, "utf8"),
      "if that is meant: UPDATE_GOLDEN=1 node --test test/chart.test.ts, and look at the difference",
    );
  });
}
