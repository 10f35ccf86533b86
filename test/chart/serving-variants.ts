// SPDX-License-Identifier: Apache-2.0

const image = "registry.example/bulwark-serving:1";
export const SERVING_DIGEST = `registry.example/bulwark-serving@sha256:${"ab".repeat(32)}`;
export const FLINK_IMAGE = "registry.example/bulwark-serving-flink:1";
const flinkImage = FLINK_IMAGE;
const models = { claim: "models" };
/** Either engine scales the pictures of older clients. */
const pictures = { older: { model: "clouds", resize: { width: 224, height: 224 } } };

/** Values files of charts/serving, one idea each: whatever is said of every pod holds for all of these. */
export const SERVING_VARIANTS: Readonly<Record<string, object>> = {
  plain: { image, models },
  direct: { image, models: { path: "/opt/models" }, queue: { enabled: false } },
  durable: {
    image,
    models: {
      image: "registry.example/models:7",
      path: "/all",
      delivery: { "*": "durable", fast: "direct" },
      settings: { "*": { instances: 2, batch: { maxRows: 8 } }, fraud: { nonFinite: "allow" } },
      weights: { fraud: { "1": 90, "2": 10 }, other: { "3": 1 } },
    },
    gateway: {
      older: { model: "fraud", dialect: "a", postProcessing: "topN(3)", resize: { width: 224, height: 224 } },
      limits: { concurrent: 20 },
    },
  },
  queued: {
    image,
    models: { ...models, delivery: { "*": "durable" }, weights: { fraud: { "1": 90, "2": 10 } } },
    gateway: pictures,
  },
  "redis-given": {
    image,
    models,
    queue: { job: "frames" },
    redis: { url: "rediss://redis.example:6380", cidr: "10.1.2.0/24" },
  },
  "redis-image": { image, models, redis: { image: "registry.example/redis:8", fsync: "always", memory: "3g" } },
  certificates: {
    image,
    models,
    gateway: { authentication: "certificates", service: "LoadBalancer", serviceAnnotations: { a: "b" } },
    security: { secrets: { gateway: "g", engine: "e", redis: "r", keyring: "k", tokens: "t" } },
  },
  scaling: {
    image,
    models,
    gateway: { autoscaling: { enabled: true, metric: "cpu", minimum: 2, maximum: 6, cpuPercent: 60 } },
    engine: { autoscaling: { enabled: true, maximum: 8, queueAgeSeconds: 3, scaleDownAfterSeconds: 60 } },
  },
  watched: {
    image,
    models,
    metrics: {
      serviceMonitor: "always",
      rules: "always",
      queueAgeSeconds: 90,
      dashboard: true,
      labels: { release: "prometheus" },
    },
  },
  network: {
    image,
    models,
    network: {
      clients: [
        { namespaceSelector: { matchLabels: { team: "a" } } },
        { podSelector: { matchLabels: { app: "web" } } },
      ],
      monitoring: [{ podSelector: { matchLabels: { app: "prometheus" } } }],
      allow: { hooks: { cidr: "192.0.2.0/24", ports: [443] } },
    },
    webhooks: { secret: "hooks", hosts: ["hooks.example"] },
  },
  relay: { image, models, relay: { enabled: true, from: [{ podSelector: { matchLabels: { app: "older" } } }] } },
  older: {
    image,
    models: { ...models, delivery: { "*": "durable" } },
    older: {
      models: { secret: "bigdl-models", cipher: "aes-128-gcm" },
      records: { secret: "bigdl-records", cipher: "aes-256-cbc" },
    },
  },
  traced: {
    image,
    models,
    traces: { endpoint: "https://traces.example/otlp", collectors: [{ ipBlock: { cidr: "192.0.2.0/24" } }] },
  },
  placement: {
    image,
    models,
    imagePullSecrets: ["registry"],
    priorityClassName: "serving",
    podDisruptionBudget: { enabled: false },
    gateway: { nodeSelector: { zone: "a" }, labels: { team: "blue" }, annotations: { note: "x" }, cores: 2 },
    engine: {
      tolerations: [{ key: "batch", operator: "Exists" }],
      affinity: { nodeAffinity: {} },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule", labelSelector: {} },
      ],
    },
  },
  flink: {
    image,
    models: { ...models, delivery: { "*": "durable" } },
    gateway: pictures,
    engine: { kind: "flink", flinkImage, taskManagers: 2 },
  },
  "both-engines": {
    image: SERVING_DIGEST,
    models,
    engine: {
      kind: "both",
      flinkImage: SERVING_DIGEST,
      replicas: 3,
      cores: 2,
      memory: "2g",
      nodeSelector: { zone: "a" },
    },
    redis: { url: "rediss://redis.example:6380", cidr: "10.1.2.0/24" },
    security: { secrets: { flink: "f", engine: "e", keyring: "k" } },
    trust: { tee: "tdx" },
  },
  tdx: { image: SERVING_DIGEST, models, trust: { tee: "tdx", initData: "H4sIAAAAAAAAAwMAAAAAAAAAAAA=" } },
  simulation: { image, models, trust: { tee: "simulation" } },
};

/** Values that are refused, and what the refusal says. */
export const SERVING_REFUSED: Readonly<Record<string, readonly [values: object, reason: RegExp]>> = {
  "no image": [{ models }, /image: name the image/],
  "no models": [{ image }, /models: say where they are/],
  "models twice": [{ image, models: { claim: "a", image: "b" } }, /models/],
  "an unknown key": [{ image, models, typo: 1 }, /typo/],
  "a misspelt key of a part": [{ image, models, gateway: { replica: 2 } }, /replica/],
  "a secret in the values": [{ image, models, redis: { password: "x" } }, /password/],
  "an engine that does not exist": [{ image, models, engine: { kind: "spark" } }, /kind/],
  "Flink without its image": [{ image, models, engine: { kind: "flink" } }, /flinkImage/],
  "Flink's image without Flink": [{ image, models, engine: { flinkImage } }, /flinkImage/],
  "task managers without Flink": [{ image, models, engine: { taskManagers: 2 } }, /taskManagers/],
  "no task manager": [{ image, models, engine: { kind: "flink", flinkImage, taskManagers: 0 } }, /taskManagers/],
  "a number of engines for Flink": [{ image, models, engine: { kind: "flink", flinkImage, replicas: 2 } }, /replicas/],
  "Flink scaled by load": [
    { image, models, engine: { kind: "flink", flinkImage, autoscaling: { enabled: true } } },
    /autoscaling/,
  ],
  "Flink without a queue": [
    { image, models, queue: { enabled: false }, engine: { kind: "flink", flinkImage } },
    /kind/,
  ],
  "a TEE with Flink's image by name": [
    { image: SERVING_DIGEST, models, engine: { kind: "flink", flinkImage }, trust: { tee: "snp" } },
    /flinkImage/,
  ],
  "Redis in the clear": [{ image, models, redis: { url: "redis://redis.example:6379" } }, /url/],
  "Redis with a password in its address": [{ image, models, redis: { url: "rediss://u:p@redis.example" } }, /url/],
  "durable without a queue": [
    { image, models: { ...models, delivery: { a: "durable" } }, queue: { enabled: false } },
    /delivery/,
  ],
  "scaling by a queue that is off": [
    { image, models, queue: { enabled: false }, gateway: { autoscaling: { enabled: true } } },
    /metric/,
  ],
  "a Redis for no queue": [{ image, models, queue: { enabled: false }, redis: { url: "rediss://r:1" } }, /url/],
  "a relay without a queue": [{ image, models, queue: { enabled: false }, relay: { enabled: true } }, /relay/],
  "peers of a relay that is off": [{ image, models, relay: { from: [{ podSelector: {} }] } }, /relay/],
  "relays that are no peers": [{ image, models, relay: { enabled: true, from: ["10.0.0.0/8"] } }, /relay/],
  "peers of a Redis that is not the release's": [
    { image, models, redis: { url: "rediss://r:1" }, relay: { enabled: true, from: [{ podSelector: {} }] } },
    /relay/,
  ],
  "older models without their cipher": [{ image, models, older: { models: { secret: "a" } } }, /cipher/],
  "older pictures without their Secret": [{ image, models, older: { records: { cipher: "aes-128-gcm" } } }, /secret/],
  "older models with a cipher that BigDL had not": [
    { image, models, older: { models: { secret: "a", cipher: "aes-128-ctr" } } },
    /cipher/,
  ],
  "a share below 0": [{ image, models: { ...models, weights: { a: { "1": -1 } } } }, /weights/],
  "no share at all": [{ image, models: { ...models, weights: { a: { "1": 0 } } } }, /weights\.a gives no version/],
  "a version that is no number": [{ image, models: { ...models, weights: { a: { new: 1 } } } }, /weights/],
  "a policy of versions that does not exist": [
    { image, models: { ...models, settings: { a: { versions: { kind: "newest" } } } } },
    /versions/,
  ],
  "fewest above most": [
    { image, models, engine: { autoscaling: { enabled: true, minimum: 5, maximum: 2 } } },
    /minimum is 5 and maximum 2/,
  ],
  "a wait that Kubernetes does not know": [
    { image, models, gateway: { autoscaling: { scaleDownAfterSeconds: 3601 } } },
    /scaleDownAfterSeconds/,
  ],
  "a TEE with an image by name": [{ image, models, trust: { tee: "snp" } }, /image/],
  "an attested release": [{ image: SERVING_DIGEST, models, trust: { tee: "tdx", release: "attested" } }, /release/],
  "a TEE that is not made": [{ image: SERVING_DIGEST, models, trust: { tee: "sgx" } }, /tee/],
  "no such post-processing": [{ image, models, gateway: { older: { postProcessing: "top(1)" } } }, /postProcessing/],
  "a size without unit": [{ image, models, engine: { memory: "1024" } }, /memory/],
};
