// SPDX-License-Identifier: Apache-2.0
import Type from "typebox";
import { FILLED_PATTERN, FOLDER_PATTERN, IMAGE_PATTERN, INIT_DATA_PATTERN, OBJECT_PATTERN } from "../document/forms.ts";
import {
  closed,
  destinations,
  duration,
  flag,
  formed,
  labels,
  list,
  objectOr,
  optionalSize,
  partOf,
  partsOf,
  range,
  size,
} from "../job/schema-parts.ts";
import { OLDER_CIPHERS } from "../older-ciphers.ts";
import { DEFAULT_JOB, JOB_PATTERN } from "../queue-job.ts";
import { ModelSettings } from "./model-settings.ts";
import { byModel, choice, clientLimits, Delivery, olderSurface, part, Shares, whole } from "./parts.ts";

// Read by the generator alone, as the schema of the job file is.

const models = part(
  {
    claim: objectOr("", "Existing volume claim with the models, NAME/VERSION/model.onnx or model.onnx.sealed"),
    image: Type.String({
      pattern: `^$|${IMAGE_PATTERN}`,
      default: "",
      description:
        "Image that holds the models, mounted as a volume (Kubernetes 1.33 and newer, where it is turned on)",
    }),
    path: Type.String({
      pattern: `^$|${FOLDER_PATTERN}`,
      default: "",
      description: "Folder of the models: in the claim or image named above, else in the image that runs",
    }),
    settings: byModel(ModelSettings, "How models are run, by their names or `*` for all"),
    delivery: byModel(Delivery, "How requests reach a model: direct unless durable is said"),
    weights: byModel(Shares, 'Shares of requests that name no version, by model and version: { "1": 90, "2": 10 }'),
  },
  "The models. One of claim, image and path is needed",
);

const placement = (who: string) => ({
  nodeSelector: labels(`Labels of nodes for ${who}`),
  tolerations: partsOf("Toleration", `Taints ${who} may meet`),
  affinity: partOf("Affinity", `Nodes and neighbours of ${who}`),
  topologySpreadConstraints: partsOf("TopologySpreadConstraint", `How ${who} spread; over nodes when empty`),
  labels: labels(`Further labels of ${who}`),
  annotations: labels(`Further annotations of ${who}`),
});

const power = (cores: number, memory: string, who: string) => ({
  cores: whole(cores, 1, `Cores that ${who} ask for`, 1024),
  memory: size(memory, `Memory of each of ${who}`),
});

const autoscaling = (who: string) =>
  part(
    {
      enabled: flag(false, `Let the number of ${who} follow the load`),
      minimum: whole(1, 1, "Fewest", 1000),
      maximum: whole(10, 1, "Most", 1000),
      metric: choice(
        ["queueAge", "cpu"] as const,
        "What the number follows: the age of the oldest record in the queue, which needs a metrics adapter, or processor use",
      ),
      queueAgeSeconds: whole(2, 1, "Age at which there are enough of them", 3600),
      cpuPercent: whole(70, 1, "Use of the requested cores at which there are enough of them", 1000),
      scaleDownAfterSeconds: whole(300, 0, "How long less must have been needed before the number goes down", 3600),
    },
    `Number of ${who} by need`,
  );

const gateway = part(
  {
    replicas: whole(2, 1, "How many gateways, unless autoscaling says so", 1000),
    ...power(1, "1g", "gateways"),
    authentication: choice(["tokens", "certificates"] as const, "What callers show"),
    adminCertificates: list(
      FILLED_PATTERN,
      "With certificates: common names of those whose holders may load and unload models",
    ),
    service: choice(["ClusterIP", "LoadBalancer", "NodePort"] as const, "Kind of the Service for callers"),
    serviceAnnotations: labels("Annotations of that Service"),
    requestTimeout: duration("30s", "Time a request has that brings no deadline"),
    streamTimeout: duration("5m", "Time a stream of tokens has as a whole that brings no deadline"),
    asyncTimeout: duration("10m", "Time a submitted request may wait"),
    bodySize: size("64m", "Largest body of a request"),
    bodiesSize: optionalSize(
      "What the bodies under way in one gateway may weigh together; then 503. A quarter of its memory when not given, one body at least",
    ),
    maxInFlight: whole(2048, 1, "Requests under way in one gateway; then 503"),
    limits: clientLimits,
    older: part(
      {
        model: Type.String({ default: "", description: "The model that /predict means, where there are several" }),
        ...olderSurface,
      },
      "The HTTP surface of BigDL Cluster Serving",
    ),
    leave: duration("10s", "How long a gateway that is ending still takes requests, until nobody sends it more"),
    drain: duration("20s", "How long what is under way may then take"),
    autoscaling: autoscaling("gateways"),
    ...placement("gateways"),
  },
  "HTTP and gRPC in, answers out; models of direct delivery run here",
);

const engine = part(
  {
    kind: choice(
      ["embedded", "flink", "both"] as const,
      "What computes: pods of ONNX Runtime, a job of Apache Flink, or both on one queue",
    ),
    replicas: whole(1, 1, "How many embedded engines, unless autoscaling says so", 1000),
    taskManagers: whole(1, 1, "Task managers of Flink, each with one subtask", 1000),
    flinkImage: Type.Optional(formed(IMAGE_PATTERN, "Image of Flink's pods, best by digest. Required with Flink")),
    ...power(1, "1g", "engines"),
    memory: size("1g", "Memory of each of engines; of task managers, what models get beside the JVM"),
    maxInFlight: whole(256, 1, "Records that one engine computes at the same time"),
    maxDeliveries: whole(5, 1, "A record that was handed out more often becomes a dead letter", 1000),
    resultTtl: duration("1h", "How long the result of a submitted request is kept"),
    autoscaling: autoscaling("engines"),
    ...placement("engines"),
  },
  "ONNX Runtime behind the queue, in processes of its own or in Apache Flink",
);

const queue = part(
  {
    enabled: flag(
      true,
      "Deliver through a durable queue where that is asked for; without it there is no Redis and no engine",
    ),
    job: Type.String({
      pattern: JOB_PATTERN,
      default: DEFAULT_JOB,
      description: "Stream of the records, as older clients name it; another goes to `keys export --job`, too",
    }),
    maxRecords: whole(100_000, 1, "Records that may wait; then 503"),
    maxSize: size("256m", "What they may weigh together"),
  },
  "The durable queue",
);

const redis = part(
  {
    url: Type.String({
      pattern: "^$|^rediss://[^/@\\s]+$",
      default: "",
      description: "A Redis that is there already, rediss://HOST:PORT; then the release makes none",
    }),
    cidr: range("0.0.0.0/0", "Where that Redis is, for the network policies"),
    image: Type.String({
      pattern: `^$|${IMAGE_PATTERN}`,
      default: "",
      description: "Image with redis-server and redis-cli, 7.0 or newer; the release's own when empty",
    }),
    cores: whole(1, 1, "Cores that Redis asks for", 1024),
    memory: size("1g", "What Redis may hold (maxmemory); its pod gets half as much again"),
    storage: size("4g", "Size of its volume, for the append-only file"),
    storageClass: Type.Optional(formed(OBJECT_PATTERN, "Class of that volume; the cluster's default when not given")),
    fsync: choice(
      ["everysec", "always"] as const,
      "When records are on disk: within a second, or before they are answered",
    ),
    ...placement("Redis"),
  },
  "The queue's Redis: TLS alone, a user for each role, append-only file, nothing evicted",
);

const relay = part(
  {
    enabled: flag(
      false,
      "Tell of the relay, and let it reach Redis. Its Secret is RELEASE-relay, which `keys export --serving RELEASE --relay` makes",
    ),
    from: partsOf("NetworkPolicyPeer", "Where relays run, which then reach Redis; only a port-forward does when empty"),
  },
  "Older clients elsewhere, by `bulwark serving relay` on their machine",
);

const secrets = part(
  {
    gateway: objectOr("", "Secret with tls.crt, tls.key, ca.crt, redis-password; RELEASE-gateway when empty"),
    engine: objectOr("", "Secret with tls.crt, tls.key, ca.crt, redis-password; RELEASE-engine when empty"),
    flink: objectOr("", "Secret with config.yaml, channel.p12, channel-trust.p12; RELEASE-flink when empty"),
    redis: objectOr("", "Secret with tls.crt, tls.key, ca.crt, users.acl, operator-password; RELEASE-redis when empty"),
    keyring: objectOr("", "Secret with keyring.json: master keys of records and models; RELEASE-keyring when empty"),
    records: objectOr(
      "",
      "Secret with keyring.json: the master key of records alone, for gateways without models; RELEASE-records when empty",
    ),
    tokens: objectOr(
      "",
      "Secret with the entry tokens, lines of NAME, SHA-256 and, for who may load and unload models, admin; RELEASE-tokens when empty",
    ),
  },
  "Existing Secrets, mounted as files. `bulwark keys export --kubernetes --serving RELEASE` makes them",
);

const blobs = (description: string) =>
  part(
    {
      secret: objectOr("", "Secret with the entries secret and salt; nothing is opened when empty"),
      cipher: choice(["", ...OLDER_CIPHERS] as const, "With what it was encrypted. Required with the Secret"),
    },
    description,
  );
const older = part(
  {
    models: blobs("Models, as NAME/VERSION/model.onnx.bigdl, for engines and gateways with direct models"),
    records: blobs("Pictures of older clients, for gateways and engines; then each must be encrypted"),
  },
  "What BigDL encrypted: read, never written",
);

const trust = part(
  {
    tee: choice(
      ["none", "simulation", "tdx", "snp"] as const,
      "Trusted execution environment of gateways, engines and Redis",
    ),
    release: choice(
      ["secrets", "attested"] as const,
      "How pods get their keys: from Secrets, or after attestation (which does not exist yet)",
    ),
    runtimeClass: Type.Optional(
      formed(OBJECT_PATTERN, "Runtime class of confidential VMs, where it is not kata-qemu-tdx or kata-qemu-snp"),
    ),
    imageMemory: optionalSize("Memory for the image, which a confidential VM fetches into its own memory; 1g"),
    createTimeout: duration("600s", "How long a confidential VM may take to fetch the image"),
    initData: Type.Optional(
      formed(INIT_DATA_PATTERN, "Init data of a confidential VM, measured by it: TOML, gzip, base64"),
    ),
  },
  "In what the pods run",
);

const network = part(
  {
    policy: flag(true, "Let nothing pass between pods but what serving needs"),
    clients: partsOf("NetworkPolicyPeer", "Who may send requests; pods of the same namespace when empty"),
    monitoring: partsOf("NetworkPolicyPeer", "Who may read metrics; pods of the namespace `monitoring` when empty"),
    allow: destinations("gateways", "What else gateways may reach, by name: receivers of webhooks"),
  },
  "Network policies",
);

const metrics = part(
  {
    serviceMonitor: choice(
      ["auto", "always", "never"] as const,
      "Tell Prometheus' operator of the metrics: where the cluster knows ServiceMonitors, always, never",
    ),
    rules: choice(
      ["auto", "always", "never"] as const,
      "Alerts of the queue for Prometheus' operator: where the cluster knows PrometheusRules, always, never",
    ),
    queueAgeSeconds: whole(60, 1, "Age of the oldest record that is worth an alert", 86_400),
    dashboard: flag(false, "A ConfigMap with a dashboard, labelled for Grafana's sidecar"),
    labels: labels("Labels of ServiceMonitors, alerts and dashboard, by which their readers choose them"),
  },
  "Prometheus and Grafana",
);

const traces = part(
  {
    endpoint: Type.String({
      pattern: "^$|^https?://[^\\s/:]+(:[0-9]{1,5})?(/[^\\s]*)?$",
      default: "",
      description:
        "Collector of OpenTelemetry traces (OTLP over HTTP), http://collector.monitoring.svc:4318; none when empty",
    }),
    collectors: partsOf("NetworkPolicyPeer", "Where it runs; in pods of the namespace `monitoring` when empty"),
  },
  "Traces of requests",
);

/** The values of `charts/serving`. Defaults and descriptions are part of the schema. */
export const ServingValues = Type.Object(
  {
    image: Type.Optional(formed(IMAGE_PATTERN, "Image of gateway, engine and Redis, best by digest. Required")),
    imagePullPolicy: choice(["IfNotPresent", "Always", "Never"] as const, "When nodes fetch the image"),
    imagePullSecrets: list(OBJECT_PATTERN, "Secrets with the credentials for the image's registry"),
    models,
    gateway,
    engine,
    queue,
    redis,
    relay,
    older,
    webhooks: part(
      {
        secret: objectOr("", "Secret with the entry secret, which signs webhooks; without it none are called"),
        hosts: list("^[^\\s/:]+$", "Hosts that may be called; any when empty"),
        allowPrivate: flag(false, "Whether addresses inside the cluster, and plain HTTP, may be called"),
      },
      "Webhooks of submitted requests",
    ),
    security: part({ secrets }, "Where the secrets lie"),
    trust,
    network,
    metrics,
    traces,
    podDisruptionBudget: part(
      { enabled: flag(true, "Let voluntary disruption take one gateway and one engine at a time") },
      "What voluntary disruption may do",
    ),
    priorityClassName: Type.Optional(formed(OBJECT_PATTERN, "Priority class of all pods")),
  },
  { ...closed, title: "Values of charts/serving", description: "Models behind HTTP and gRPC, with a durable queue" },
);
