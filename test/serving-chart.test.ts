// SPDX-License-Identifier: Apache-2.0
// charts/serving as plain Helm renders it: parsed, and judged by what it means.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stringify } from "yaml";
import { readSettings } from "../services/inference-engine/src/settings.ts";
import { parseConfig } from "../services/serving-gateway/src/config.ts";
import { find, type Rendered, runHelm, SERVING_CHART } from "./chart/helm.ts";
import { canReach } from "./chart/network.ts";
import { findBrokenOfService } from "./chart/restricted.ts";
import {
  helm,
  helms,
  listPods,
  objectsOf,
  outcomeOf,
  peer,
  podOf,
  settingsOf,
  skip,
  variant,
} from "./chart/serving-rendered.ts";
import { SERVING_DIGEST, SERVING_REFUSED, SERVING_VARIANTS } from "./chart/serving-variants.ts";

const GOLDEN = join(import.meta.dirname, "chart", "golden");
for (const program of helms) {
  test(`lint finds nothing: ${runHelm(program, ["version", "--short"]).stdout.trim()}`, () => {
    const { status, stdout, stderr } = runHelm(program, ["lint", "--strict", SERVING_CHART]);
    assert.equal(status, 0, stdout + stderr);
  });

  test(`every variant renders the same: ${program}`, () => {
    for (const name of Object.keys(SERVING_VARIANTS)) {
      assert.deepEqual(objectsOf(program, SERVING_VARIANTS[name] ?? {}), variant(name), name);
    }
  });
}

for (const [what, [values, reason]] of Object.entries(SERVING_REFUSED)) {
  test(`plain Helm refuses: ${what}`, { skip }, () => {
    for (const program of helms) {
      const outcome = outcomeOf(program, values);
      assert.ok("refused" in outcome, `${program} accepted it`);
      assert.match(outcome.refused, reason);
    }
  });
}

for (const name of Object.keys(SERVING_VARIANTS)) {
  test(`every pod of ${name} passes the restricted standard, without a token and with probes`, { skip }, () => {
    const pods = listPods(variant(name));
    assert.ok(pods.length >= 1);
    for (const { name: pod, spec } of pods) {
      assert.deepEqual(findBrokenOfService(spec), [], pod);
      assert.equal(spec.automountServiceAccountToken, false);
      const account = find(variant(name), "ServiceAccount", spec.serviceAccountName);
      assert.equal(account.automountServiceAccountToken, false);
      for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
        assert.ok(spec.containers[0][probe], `${pod} ${probe}`);
      }
    }
  });
}

test("a broken pod is found: the rules can fail", { skip }, () => {
  const { spec } = podOf(variant("plain"), "gateway");
  const [container] = spec.containers;
  const securityContext = { ...container.securityContext, readOnlyRootFilesystem: false };
  assert.deepEqual(findBrokenOfService({ ...spec, containers: [{ ...container, securityContext }] }), [
    "read-only root",
  ]);
});

test("the chart makes no Secret, asks for no right, draws no lots and looks nothing up", { skip }, async () => {
  for (const name of Object.keys(SERVING_VARIANTS)) {
    const kinds = new Set(variant(name).map(({ kind }) => kind));
    for (const kind of ["Secret", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"]) {
      assert.ok(!kinds.has(kind), `${name}: ${kind}`);
    }
  }
  for (const file of await readdir(join(SERVING_CHART, "templates"))) {
    const text = await readFile(join(SERVING_CHART, "templates", file), "utf8");
    assert.doesNotMatch(text, /\b(lookup|rand[A-Z]\w*|uuidv4|now|genSelf\w+)\b/, file);
  }
});

test("each part mounts its own Secrets, and no other part's", { skip }, () => {
  const secretsOf = (objects: Rendered[], part: string): string[] =>
    podOf(objects, part).spec.volumes.flatMap(({ secret }: Rendered) => secret?.secretName ?? []);
  const objects = variant("plain");
  assert.deepEqual(secretsOf(objects, "gateway"), ["clouds-gateway", "clouds-keyring", "clouds-tokens"]);
  assert.deepEqual(secretsOf(objects, "engine"), ["clouds-engine", "clouds-keyring"]);
  assert.deepEqual(secretsOf(objects, "redis"), ["clouds-redis"]);
  // A gateway that computes nothing has no model, and no key that opens one.
  const queued = variant("queued");
  assert.deepEqual(secretsOf(queued, "gateway"), ["clouds-gateway", "clouds-records", "clouds-tokens"]);
  assert.deepEqual(secretsOf(queued, "engine"), ["clouds-engine", "clouds-keyring"]);
  const { models, keyringFile, durable } = settingsOf(queued, "gateway");
  assert.deepEqual([models, keyringFile], [undefined, undefined]);
  assert.equal(durable.keyringFile, "/etc/bulwark/secrets/keyring/keyring.json");
  const hasModels = (objects: Rendered[], part: string): boolean =>
    podOf(objects, part).spec.containers[0].volumeMounts.some(({ name }: Rendered) => name === "models");
  assert.deepEqual(
    [hasModels(queued, "gateway"), hasModels(queued, "engine"), hasModels(objects, "gateway")],
    [false, true, true],
  );
  const named = variant("certificates");
  assert.deepEqual(secretsOf(named, "gateway"), ["g", "k"]);
  assert.deepEqual([secretsOf(named, "engine"), secretsOf(named, "redis")], [["e", "k"], ["r"]]);
  assert.deepEqual(secretsOf(variant("network"), "gateway").at(-1), "hooks");
});

test("what opens BigDL's blobs is a file in the pods that open them, and nowhere without it", { skip }, () => {
  const mountsOf = (objects: Rendered[], part: string): string[] =>
    podOf(objects, part).spec.containers[0].volumeMounts.flatMap(({ mountPath }: Rendered) =>
      /secrets\/(older-.*)/.test(mountPath) ? [mountPath.slice("/etc/bulwark/secrets/".length)] : [],
    );
  const queued = variant("older");
  assert.deepEqual(
    ["gateway", "engine", "redis"].map((part) => mountsOf(queued, part)),
    [["older-records"], ["older-models", "older-records"], []],
  );
  const place = "/etc/bulwark/secrets/older-models";
  const { older } = settingsOf(queued, "engine");
  assert.deepEqual(older.models, {
    cipher: "aes-128-gcm",
    secretFile: `${place}/secret`,
    saltFile: `${place}/salt`,
  });
  assert.deepEqual([older.records.cipher, settingsOf(queued, "gateway").older.models], ["aes-256-cbc", undefined]);
  const direct = objectsOf(helm, { ...SERVING_VARIANTS.older, models: { claim: "models" } });
  assert.deepEqual(mountsOf(direct, "gateway"), ["older-models", "older-records"]);
  assert.deepEqual(settingsOf(direct, "gateway").older.models, older.models);
  assert.deepEqual(mountsOf(variant("plain"), "engine"), []);
});

test("gateway and engine take their settings, whatever the values", { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-chart-"));
  try {
    for (const name of Object.keys(SERVING_VARIANTS)) {
      const objects = variant(name);
      parseConfig(JSON.stringify(settingsOf(objects, "gateway")), name);
      if (podOf(objects, "engine") === undefined) continue;
      const file = join(folder, `${name}.json`);
      await writeFile(file, JSON.stringify(settingsOf(objects, "engine")));
      await readSettings(file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const { modelSettings, delivery, models, older } = settingsOf(variant("durable"), "gateway");
  assert.equal(models, "/models/all");
  assert.deepEqual(delivery, { "*": "durable", fast: "direct" });
  assert.deepEqual(modelSettings.fraud, { nonFinite: "allow", versions: { kind: "specific", versions: ["1", "2"] } });
  assert.deepEqual(modelSettings.other, { versions: { kind: "specific", versions: ["3"] } });
  assert.deepEqual(settingsOf(variant("durable"), "engine").modelSettings, modelSettings);
  assert.deepEqual(older, {
    model: "fraud",
    dialect: "a",
    postProcessing: "topN(3)",
    asWritten: false,
    resize: { width: 224, height: 224 },
  });
  const direct = settingsOf(variant("direct"), "gateway");
  assert.deepEqual([direct.models, direct.durable], ["/opt/models", undefined]);
  assert.deepEqual(
    listPods(variant("direct")).map(({ name }) => name),
    ["clouds-gateway"],
  );
});

test("a gateway has the time to leave, to drain, and to end", { skip }, () => {
  const values = { ...SERVING_VARIANTS.plain, gateway: { leave: "1500ms", drain: "1m", streamTimeout: "15m" } };
  const objects = objectsOf(helm, values);
  assert.equal(podOf(objects, "gateway").spec.terminationGracePeriodSeconds, 2 + 60 + 10);
  const { leaveMs, drainMs, streamMs } = settingsOf(objects, "gateway");
  assert.deepEqual([leaveMs, drainMs, streamMs], [1500, 60_000, 900_000]);
  assert.equal(settingsOf(variant("plain"), "gateway").streamMs, 300_000);
  for (const part of ["gateway", "engine"]) {
    assert.deepEqual(find(objects, "Deployment", `clouds-${part}`).spec.strategy.rollingUpdate, {
      maxUnavailable: 0,
      maxSurge: 1,
    });
  }
});

test("pods are made anew when their settings change, and not when the chart's version does", { skip }, () => {
  const sumOf = (values: object): string =>
    podOf(objectsOf(helm, values), "engine").metadata.annotations["checksum/settings"];
  assert.equal(sumOf({ ...SERVING_VARIANTS.plain, gateway: { replicas: 3 } }), sumOf(SERVING_VARIANTS.plain ?? {}));
  assert.notEqual(
    sumOf({ ...SERVING_VARIANTS.plain, engine: { maxInFlight: 3 } }),
    sumOf(SERVING_VARIANTS.plain ?? {}),
  );
  assert.ok(!JSON.stringify(podOf(variant("plain"), "engine")).includes("serving-0."));
});

test("Redis keeps everything, by TLS alone, and its claim outlives the release", { skip }, () => {
  const objects = variant("plain");
  const lines = find(objects, "ConfigMap", "clouds-redis").data["redis.conf"].split("\n");
  const demanded = ["port 0", "tls-auth-clients yes", "appendonly yes", "maxmemory-policy noeviction"];
  for (const line of demanded) assert.ok(lines.includes(line), line);
  const { spec } = find(objects, "StatefulSet", "clouds-redis");
  assert.deepEqual(spec.persistentVolumeClaimRetentionPolicy, { whenDeleted: "Retain", whenScaled: "Retain" });
  const [container] = podOf(variant("redis-image"), "redis").spec.containers;
  assert.deepEqual([container.image, container.command], ["registry.example/redis:8", ["redis-server"]]);
  assert.deepEqual(container.args.slice(1), ["--maxmemory", String(3 * 2 ** 30), "--appendfsync", "always"]);
  // What Redis needs beside its records: half as much again.
  assert.equal(container.resources.limits.memory, "4608Mi");
  const given = variant("redis-given");
  assert.equal(find(given, "StatefulSet"), undefined);
  assert.equal(settingsOf(given, "engine").redis.url, "rediss://redis.example:6380");
  assert.deepEqual([settingsOf(given, "engine").job, settingsOf(given, "gateway").durable.job], ["frames", "frames"]);
});

test("what the numbers of pods follow", { skip }, () => {
  const objects = variant("scaling");
  const [engine, gateway] = ["engine", "gateway"].map((part) =>
    find(objects, "HorizontalPodAutoscaler", `clouds-${part}`),
  );
  assert.equal(engine.spec.metrics[0].object.metric.name, "bulwark_serving_queue_oldest_seconds");
  assert.deepEqual(engine.spec.metrics[0].object.target, { type: "Value", value: "3" });
  assert.equal(
    engine.spec.metrics[0].object.describedObject.name,
    find(objects, "Service", "clouds-metrics").metadata.name,
  );
  assert.equal(gateway.spec.metrics[0].resource.target.averageUtilization, 60);
  const waitsOf = ({ spec }: Rendered): number => spec.behavior.scaleDown.stabilizationWindowSeconds;
  assert.deepEqual([waitsOf(engine), waitsOf(gateway)], [60, 300]);
  for (const part of ["engine", "gateway"]) {
    assert.equal(find(objects, "Deployment", `clouds-${part}`).spec.replicas, undefined, "two would set the number");
  }
  assert.equal(find(variant("plain"), "HorizontalPodAutoscaler"), undefined);
});

test("who may reach whom", { skip }, () => {
  const policies = variant("plain").filter(({ kind }) => kind === "NetworkPolicy");
  const [gateway, engine, redis] = [peer("gateway"), peer("engine"), peer("redis")];
  const caller = { pod: { app: "web" } };
  const stranger = { stranger: true } as const;
  const table: [Parameters<typeof canReach>[1], Parameters<typeof canReach>[2], number, boolean][] = [
    [caller, gateway, 10023, true],
    [caller, gateway, 8001, true],
    [caller, gateway, 9443, false],
    [caller, engine, 9443, false],
    [caller, redis, 6379, false],
    [gateway, redis, 6379, true],
    [engine, redis, 6379, true],
    [peer("gateway", "other"), redis, 6379, false],
    [redis, gateway, 10023, false],
    [redis, engine, 9443, false],
    [engine, gateway, 10023, false],
    [gateway, engine, 9443, false],
    [stranger, gateway, 9443, true],
    [stranger, engine, 9443, true],
    [stranger, gateway, 10023, false],
    [stranger, redis, 6379, false],
    [gateway, { address: "198.51.100.7" }, 443, false],
    [engine, { address: "198.51.100.7" }, 443, false],
    [redis, { address: "198.51.100.7" }, 443, false],
    [{ address: "198.51.100.7" }, gateway, 10023, false],
  ];
  for (const [from, to, port, expected] of table) {
    assert.equal(canReach(policies, from, to, port), expected, JSON.stringify([from, to, port]));
  }
  for (const from of [gateway, engine]) assert.ok(canReach(policies, from, { address: "10.96.0.10" }, 53, "UDP"));
  assert.ok(!canReach(policies, redis, { address: "10.96.0.10" }, 53, "UDP"));

  const wider = variant("network").filter(({ kind }) => kind === "NetworkPolicy");
  assert.ok(canReach(wider, gateway, { address: "192.0.2.9" }, 443));
  assert.ok(!canReach(wider, engine, { address: "192.0.2.9" }, 443));
  assert.ok(!canReach(wider, { pod: { app: "batch" } }, gateway, 10023));
  const traced = variant("traced").filter(({ kind }) => kind === "NetworkPolicy");
  for (const from of [gateway, engine]) {
    assert.ok(canReach(traced, from, { address: "192.0.2.9" }, 443));
    assert.ok(!canReach(traced, from, { address: "192.0.2.9" }, 4318));
  }
  assert.ok(!canReach(traced, redis, { address: "192.0.2.9" }, 443));
  for (const part of ["gateway", "engine"]) {
    assert.equal(settingsOf(variant("traced"), part).tracesEndpoint, "https://traces.example/otlp");
    assert.equal(settingsOf(variant("plain"), part).tracesEndpoint, undefined);
  }
  const given = variant("redis-given").filter(({ kind }) => kind === "NetworkPolicy");
  assert.ok(canReach(given, engine, { address: "10.1.2.3" }, 6380));
  assert.ok(!canReach(given, engine, { address: "10.1.2.3" }, 6379));
});

test("relays reach Redis and nothing else, and without peers the relay changes no object", { skip }, () => {
  const policies = variant("relay").filter(({ kind }) => kind === "NetworkPolicy");
  const relay = { pod: { app: "older" } };
  const table: [Parameters<typeof canReach>[1], Parameters<typeof canReach>[2], number, boolean][] = [
    [relay, peer("redis"), 6379, true],
    [relay, peer("redis"), 6380, false],
    [relay, peer("engine"), 9443, false],
    [{ pod: { app: "web" } }, peer("redis"), 6379, false],
    [{ stranger: true }, peer("redis"), 6379, false],
    [{ address: "198.51.100.7" }, peer("redis"), 6379, false],
    [peer("gateway"), peer("redis"), 6379, true],
  ];
  for (const [from, to, port, expected] of table) {
    assert.equal(canReach(policies, from, to, port), expected, JSON.stringify([from, to, port]));
  }
  const forwarded = { ...SERVING_VARIANTS.plain, relay: { enabled: true } };
  assert.deepEqual(objectsOf(helm, forwarded), variant("plain"));
});

test("Services choose pods of the release, and disruption takes one at a time", { skip }, () => {
  const objects = variant("plain");
  const chosen = (selector: Record<string, string>): string[] =>
    listPods(objects)
      .filter(({ metadata }) => Object.entries(selector).every(([key, value]) => metadata.labels[key] === value))
      .map(({ name }) => name);
  const services = objects.filter(({ kind }) => kind === "Service");
  assert.deepEqual(Object.fromEntries(services.map(({ metadata, spec }) => [metadata.name, chosen(spec.selector)])), {
    clouds: ["clouds-gateway"],
    "clouds-metrics": ["clouds-engine", "clouds-gateway"],
    "clouds-redis": ["clouds-redis"],
  });
  const budgets = objects.filter(({ kind }) => kind === "PodDisruptionBudget");
  assert.deepEqual(
    budgets.map(({ metadata, spec }) => [metadata.name, spec.maxUnavailable, chosen(spec.selector.matchLabels)]),
    [
      ["clouds-gateway", 1, ["clouds-gateway"]],
      ["clouds-engine", 1, ["clouds-engine"]],
    ],
  );
});

test("the shape of a confidential VM: the image lies in its memory", { skip }, () => {
  const { metadata, spec } = podOf(variant("tdx"), "engine");
  assert.equal(spec.runtimeClassName, "kata-qemu-tdx");
  const kata = (key: string): string => metadata.annotations[`io.katacontainers.config.${key}`];
  assert.equal(kata("hypervisor.default_memory"), String(1024 + 1024));
  assert.deepEqual(spec.containers[0].resources.limits, { cpu: "1", memory: "2048Mi" });
  assert.equal(spec.containers[0].image, SERVING_DIGEST);
  assert.equal(podOf(variant("simulation"), "redis").metadata.annotations["bulwark/trust"], "simulation");
});

test("a release whose name no certificate could have is refused", { skip }, () => {
  for (const release of ["1st", "a.b", "x".repeat(45)]) {
    assert.ok("refused" in outcomeOf(helm, SERVING_VARIANTS.plain ?? {}, { release }), release);
  }
  for (const { kind, metadata } of objectsOf(helm, SERVING_VARIANTS.plain ?? {}, { release: "y".repeat(44) })) {
    assert.match(metadata.name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, kind);
  }
});

for (const name of ["plain", "durable", "queued", "watched", "scaling", "tdx", "flink", "older"]) {
  test(`${name} is rendered as written down`, { skip }, async () => {
    const file = join(GOLDEN, `serving-${name}.yaml`);
    const text = variant(name)
      .map((object) => stringify(object))
      .join("---\n");
    if (process.env.UPDATE_GOLDEN === "1") await writeFile(file, text);
    assert.equal(
      text,
      await readFile(file, "utf8"),
      "if that is meant: UPDATE_GOLDEN=1 node --test test/serving-chart.test.ts, and look at the difference",
    );
  });
}
