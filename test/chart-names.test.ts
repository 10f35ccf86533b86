// SPDX-License-Identifier: Apache-2.0
// Names that YAML takes for numbers, truth values or nothing are names all the same, for every reader of YAML.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import {
  CHART,
  findHelms,
  listPods,
  type Outcome,
  type Rendered,
  render,
  renderObjects,
  SERVING_CHART,
} from "./chart/helm.ts";
import { listPods as listServingPods, objectsOf } from "./chart/serving-rendered.ts";
import { DIGEST } from "./chart/variants.ts";

const helms = findHelms();
const [helm = ""] = helms;
const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;

/** Names that Kubernetes takes, and YAML for something else: 1.1 the words and 010, 1.2 0o7, both the others. */
const WORDS = [
  ...["1e3", "123", "0x10", "010", "0o7", "0b1", "2024-01-01"],
  ...["true", "null", "yes", "no", "on", "off", "y"],
];

/** Values files in which every name is the one given. */
const JOBS: Readonly<Record<string, (word: string) => object>> = {
  names: (word) => ({
    image: word,
    pvc: word,
    imagePullSecrets: [word],
    priorityClassName: word,
    python: word,
    args: [word],
    program: { [word]: word },
    deployMode: "cluster",
    serviceAccount: { driver: word, executor: word },
    nodeSelector: { disk: word },
    tolerations: [{ key: word, operator: "Equal", value: word }],
    driver: {
      nodeSelector: { zone: word },
      env: { NAME: word },
      podTemplate: { labels: { team: word }, annotations: { note: word, [word]: "" }, runtimeClassName: word },
    },
    executor: { env: { NAME: word }, podTemplate: { labels: { team: word }, annotations: { note: word } } },
    security: {
      profile: "tls",
      secrets: { application: word, applicationEntry: word, keys: word, password: word, keyring: word },
    },
    data: { a: { path: word, key: word } },
    volumes: {
      a: { claim: word, mountPath: "/mnt/a" },
      b: { configMap: word, mountPath: "/mnt/b" },
      c: { secret: word, mountPath: "/mnt/c" },
    },
    eventLog: { pvc: word, dir: word },
    network: { apiServer: "::/0", allow: { a: { cidr: "::/0" } } },
  }),
  kueue: (word) => ({ image: word, jar: "/a.jar", class: word, queue: { scheduler: "kueue", name: word } }),
  volcano: (word) => ({ image: word, class: word, queue: { scheduler: "volcano", name: word } }),
  yunikorn: (word) => ({ image: word, name: word, queue: { scheduler: "yunikorn", name: word } }),
  vm: (word) => ({ image: DIGEST, trust: { tee: "tdx", runtimeClass: word } }),
};
const SERVINGS: Readonly<Record<string, (word: string) => object>> = {
  names: (word) => {
    const pods = { nodeSelector: { disk: word }, labels: { team: word }, annotations: { note: word } };
    return {
      image: word,
      models: { claim: word, delivery: { "*": "durable", [word]: "direct" } },
      imagePullSecrets: [word],
      priorityClassName: word,
      gateway: { ...pods, serviceAnnotations: { note: word } },
      engine: { ...pods, kind: "both", flinkImage: word },
      redis: { image: word, storageClass: word },
      security: { secrets: { gateway: word, engine: word, flink: word, redis: word, keyring: word, tokens: word } },
      older: { models: { secret: word, cipher: "aes-128-gcm" } },
      webhooks: { secret: word },
      metrics: { serviceMonitor: "always", rules: "always", dashboard: true, labels: { team: word } },
      network: { allow: { a: { cidr: "::/0" } } },
    };
  },
  "redis-given": (word) => ({
    image: word,
    models: { image: word },
    redis: { url: "rediss://redis.example:6380", cidr: "::/0" },
  }),
  vm: (word) => ({ image: DIGEST, models: { path: "/m" }, trust: { tee: "tdx", runtimeClass: word } }),
};

/** Every text of a value, changed; files of JSON are looked into. Digests of content follow the content. */
function mapTexts(value: Rendered, change: (text: string) => string): Rendered {
  if (typeof value === "string") return /^[[{][\n"]/.test(value) ? mapTexts(JSON.parse(value), change) : change(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, change));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "checksum/settings");
  return Object.fromEntries(entries.map(([key, one]) => [change(key), mapTexts(one, change)]));
}

/** What readers of YAML 1.1, as Kubernetes has one, and of 1.2 make of a rendering. */
const readings = (outcome: Outcome): Rendered[][] => {
  assert.ok("text" in outcome, "refused" in outcome ? outcome.refused : "");
  return (["1.1", "1.2"] as const).map((version) =>
    parseAllDocuments(outcome.text, { version }).map((one) => mapTexts(one.toJS(), (text) => text)),
  );
};

for (const [chart, variants] of [
  [CHART, JOBS],
  [SERVING_CHART, SERVINGS],
] as const) {
  for (const [name, values] of Object.entries(variants)) {
    test(`a name is the text that was given: ${name} of ${chart === CHART ? "a job" : "serving"}`, { skip }, () => {
      // A release of serving begins with a letter.
      const release = (text: string): string => (chart === CHART || /^[a-z]/.test(text) ? text : "clouds");
      const read = (text: string): Rendered[][] =>
        readings(render(helm, values(text), { release: release(text), chart, flags: ["--namespace", text] }));
      // So does a Service, which has a longer name where the release's begins with a digit.
      const [digits, letters] = [read("7qq7")[0], read("qq7q")[0]];
      for (const word of WORDS) {
        const expected = mapTexts(/^[0-9]/.test(word) ? digits : letters, (text) =>
          text.replaceAll(/7qq7|qq7q/g, word),
        );
        for (const found of read(word)) assert.deepEqual(found, expected, word);
      }
    });
  }
}

test("labels and annotations that are written as numbers are texts", { skip }, () => {
  const given = { many: 10000000, yes: true, half: 0.5 };
  const texts = { many: "10000000", yes: "true", half: "0.5" };
  const podTemplate = { labels: given, annotations: given };
  const roles = { driver: { podTemplate }, executor: { podTemplate, nodeSelector: given } };
  const parts = { labels: given, annotations: given, nodeSelector: given };
  const pods = [
    ...listPods(renderObjects(helm, { image: "i", nodeSelector: given, ...roles })),
    ...listServingPods(objectsOf(helm, { image: "i", models: { path: "/m" }, gateway: parts, engine: parts })),
  ];
  for (const { metadata, spec } of pods.filter(({ spec }) => !spec.containers[0].args?.includes("--appendfsync"))) {
    for (const found of [metadata.labels, metadata.annotations, spec.nodeSelector]) {
      assert.deepEqual({ ...found, ...texts }, found);
    }
  }
  const service = objectsOf(helm, { image: "i", models: { path: "/m" }, gateway: { serviceAnnotations: given } });
  assert.deepEqual(
    service.find(({ kind, metadata }) => kind === "Service" && metadata.annotations)?.metadata.annotations,
    texts,
  );
});
