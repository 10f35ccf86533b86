// SPDX-License-Identifier: Apache-2.0
import Type from "typebox";
import {
  COORDINATES_PATTERN,
  CRON_PATTERN,
  DURATION_PATTERN,
  FILE_PATTERN,
  FOLDER_PATTERN,
  HTTPS_PATTERN,
  IMAGE_PATTERN,
  INIT_DATA_PATTERN,
  MASTER_PATTERN,
  NAME_PATTERN,
  OBJECT_PATTERN,
  ZONE_PATTERN,
} from "../document/forms.ts";
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
} from "./schema-parts.ts";

/** What one role's pods may say beside size and environment. */
export const rolePlacement = (role: string) => ({
  memoryOverhead: optionalSize(`Memory of the ${role} beside the heap; a tenth of it when not given. Kubernetes only`),
  enclave: optionalSize(
    `Size of the ${role}'s enclave with trust.tee sgx, a power of two; what holds heap and overhead when not given`,
  ),
  nodeSelector: labels(`Labels of nodes for the ${role}, beside those for all. Kubernetes only`),
  tolerations: partsOf("Toleration", `Taints the ${role} may meet, beside those for all`),
  affinity: partOf("Affinity", `Nodes and neighbours of the ${role}, instead of those for all`),
  podTemplate: Type.Object(
    {
      labels: labels("Further labels"),
      annotations: labels("Further annotations"),
      hostAliases: partsOf("HostAlias", "Names for addresses"),
      dnsConfig: partOf("PodDNSConfig", "How names are looked up"),
      topologySpreadConstraints: partsOf("TopologySpreadConstraint", "How pods spread over the cluster"),
      runtimeClassName: Type.Optional(
        formed(OBJECT_PATTERN, "Class of the container runtime, where trust.tee chooses none"),
      ),
    },
    { ...closed, default: {}, description: `Further parts of the pod of the ${role}. Kubernetes only` },
  ),
});

const Volume = Type.Object(
  {
    mountPath: formed(FOLDER_PATTERN, "Where it is in the container"),
    claim: Type.Optional(formed(OBJECT_PATTERN, "Existing volume claim")),
    configMap: Type.Optional(formed(OBJECT_PATTERN, "Existing ConfigMap")),
    secret: Type.Optional(formed(OBJECT_PATTERN, "Existing Secret, as files of mode 0400")),
    scratch: optionalSize("Empty space of at most this size"),
    memory: flag(false, "Whether the empty space is memory; it counts as memory of the pod"),
    readOnly: flag(true, "Whether it may only be read (a claim)"),
    roles: Type.Array(Type.Enum(["driver", "executor"]), {
      default: ["driver", "executor"],
      description: "Who gets it",
    }),
  },
  closed,
);

/** Keys that only Kubernetes needs. `bulwark run` leaves them aside. */
export const clusterKeys = {
  image: Type.Optional(
    formed(IMAGE_PATTERN, "Image of driver and executors, best by digest. Kubernetes only, required there"),
  ),
  imagePullPolicy: Type.Enum(["IfNotPresent", "Always", "Never"], {
    default: "IfNotPresent",
    description: "When nodes fetch the image",
  }),
  imagePullSecrets: list(OBJECT_PATTERN, "Secrets with the credentials for the image's registry"),
  k8sMaster: Type.Optional(
    formed(
      MASTER_PATTERN,
      "Address of the API server, where pods should not use the one of their cluster. Kubernetes only",
    ),
  ),
  pvc: Type.Optional(formed(OBJECT_PATTERN, "Existing volume claim with the data, at /data. Kubernetes only")),
  deployMode: Type.Enum(["client", "cluster"], {
    default: "client",
    description: "Where the driver runs on Kubernetes: in the release's own pod, or in one of its own",
  }),
  program: Type.Record(Type.String({ pattern: FILE_PATTERN }), Type.String(), {
    ...closed,
    default: {},
    description:
      "Files of the program by name, together at most 700 kB: text, or `base64:` and the bytes. Kubernetes only",
  }),
  volumes: Type.Record(Type.String({ pattern: NAME_PATTERN }), Volume, {
    ...closed,
    default: {},
    description: "Further volumes by name, each with one source. Kubernetes only",
  }),
  nodeSelector: labels("Labels of nodes for all pods. Kubernetes only"),
  tolerations: partsOf("Toleration", "Taints that pods may meet. Kubernetes only"),
  affinity: partOf("Affinity", "Nodes and neighbours of pods. Kubernetes only"),
  priorityClassName: Type.Optional(formed(OBJECT_PATTERN, "Priority class of all pods. Kubernetes only")),
  serviceAccount: Type.Object(
    {
      create: flag(true, "Make the accounts of driver and executors"),
      driver: objectOr("", "Account of the driver, where another than the release's own is wanted"),
      executor: objectOr("", "Account of the executors, likewise"),
    },
    { ...closed, default: {}, description: "Service accounts. Kubernetes only" },
  ),
  rbac: Type.Object(
    { create: flag(true, "Make the driver's Role and bind it") },
    { ...closed, default: {}, description: "Rights of the driver in its namespace. Kubernetes only" },
  ),
  dynamicAllocation: Type.Object(
    {
      enabled: flag(false, "Ask for executors and let them go as tasks need them, with shuffle tracking"),
      minimum: Type.Integer({ minimum: 0, maximum: 10000, default: 1, description: "Fewest executors" }),
      maximum: Type.Integer({ minimum: 1, maximum: 10000, default: 10, description: "Most executors" }),
      idleTimeout: duration("60s", "How long an executor without tasks stays"),
    },
    { ...closed, default: {}, description: "Executors by need; executor.instances are the first. Kubernetes only" },
  ),
  queue: Type.Object(
    {
      scheduler: Type.Enum(["default", "volcano", "yunikorn", "kueue"], {
        default: "default",
        description: "Who admits the pods: the cluster's scheduler, Volcano, YuniKorn or Kueue",
      }),
      name: Type.String({ default: "", description: "Queue there" }),
    },
    { ...closed, default: {}, description: "Batch schedulers. Kubernetes only" },
  ),
  schedule: Type.Optional(formed(CRON_PATTERN, "When the job starts, again and again (cron). Kubernetes only")),
  timeZone: Type.String({ pattern: ZONE_PATTERN, default: "Etc/UTC", description: "Time zone of the schedule" }),
  concurrencyPolicy: Type.Enum(["Forbid", "Replace", "Allow"], {
    default: "Forbid",
    description: "What happens when the job before has not ended yet: skip this one, replace that one, run both",
  }),
  suspend: flag(false, "Hold the job, or its schedule, back. Kubernetes only"),
  ttl: Type.Optional(
    formed(DURATION_PATTERN, "How long an ended job and its pods with their logs stay. Kubernetes only"),
  ),
  network: Type.Object(
    {
      policy: flag(true, "Let driver and executors speak to each other, DNS and the API server alone"),
      apiServer: range("0.0.0.0/0", "Where the API server is; the driver reaches ports 443 and 6443 there"),
      allow: destinations("driver and executors", "What else driver and executors may reach, by name"),
    },
    { ...closed, default: {}, description: "Network policy. Kubernetes only" },
  ),
  podDisruptionBudget: Type.Object(
    { enabled: flag(true, "Keep a node's drain from ending the driver") },
    { ...closed, default: {}, description: "What voluntary disruption may do. Kubernetes only" },
  ),
};

/** Where the secrets of a job lie on Kubernetes. The chart never makes one. */
export const clusterSecrets = Type.Object(
  {
    application: objectOr("spark-secret", "Secret with the application secret"),
    applicationEntry: Type.String({ pattern: FILE_PATTERN, default: "secret", description: "Its entry there" }),
    keys: objectOr("ssl-keys", "Secret with the TLS key stores"),
    password: objectOr("ssl-password", "Secret with the password of the key stores"),
    keyring: objectOr("", "Secret with the master keys that the job names, in the entry keyring.json"),
  },
  { ...closed, default: {}, description: "Existing Secrets, mounted as files. Kubernetes only" },
);

/** What a trusted execution environment needs beside its name. */
export const teeKeys = {
  release: Type.Enum(["secrets", "attested"], {
    default: "secrets",
    description: "How the job gets its keys: from Secrets, or after attestation (which does not exist yet)",
  }),
  runtimeClass: Type.Optional(
    formed(OBJECT_PATTERN, "Runtime class of confidential VMs, where it is not kata-qemu-tdx or kata-qemu-snp"),
  ),
  imageMemory: optionalSize("Memory for the image, which a confidential VM fetches into its own memory; 3g"),
  createTimeout: duration("600s", "How long a confidential VM may take to fetch the image"),
  initData: Type.Optional(
    formed(INIT_DATA_PATTERN, "Init data of a confidential VM, measured by it: TOML, gzip, base64"),
  ),
  sgxLog: Type.Enum(["none", "error", "warning", "debug", "trace", "all"], {
    default: "error",
    description: "What the enclave logs",
  }),
};

/** Packages of Maven, for both places a job can run. */
export const maven = Type.Object(
  {
    packages: list(COORDINATES_PATTERN, "Artifacts for driver and executors, with what they need"),
    mirror: Type.Optional(formed(HTTPS_PATTERN, "The one repository to fetch from, instead of Maven Central")),
  },
  { ...closed, default: {}, description: "Libraries from Maven" },
);
