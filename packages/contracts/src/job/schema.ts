// SPDX-License-Identifier: Apache-2.0
import Type, { type Static } from "typebox";
import { DATASET_PATTERN, FILLED_PATTERN, NAME_PATTERN, OBJECT_PATTERN } from "../document/forms.ts";
import { clusterKeys, clusterSecrets, maven, rolePlacement, teeKeys } from "./schema-cluster.ts";
import { closed, duration, environment, filled, flag, paths, size, text } from "./schema-parts.ts";

// Loading TypeBox costs more than a whole `bulwark validate` may take. So this file is read by the generator and by the
// compiler alone; at run time the compiled schema in generated/ stands for it.

const Driver = Type.Object(
  {
    cores: Type.Integer({ minimum: 1, maximum: 1024, default: 1, description: "Cores of the driver" }),
    memory: size("1g", "Heap of the driver"),
    env: environment("driver"),
    ...rolePlacement("driver"),
  },
  { ...closed, default: {}, description: "Size and environment of the driver" },
);

const Executor = Type.Object(
  {
    instances: Type.Integer({ minimum: 1, maximum: 10000, default: 2, description: "How many executors" }),
    cores: Type.Integer({ minimum: 1, maximum: 1024, default: 1, description: "Cores of each executor" }),
    memory: size("1g", "Heap of each executor"),
    env: environment("executors"),
    ...rolePlacement("executors"),
  },
  { ...closed, default: {}, description: "Number, size and environment of the executors" },
);

const Dataset = Type.Object(
  {
    path: filled("Where the data is, relative to the job file"),
    mode: Type.Enum(["read", "write"], {
      default: "read",
      description: "Whether the job reads or makes it",
    }),
    key: Type.Optional(filled("Master key of footer and of columns without one of their own")),
    columns: Type.Record(Type.String(), Type.String({ pattern: FILLED_PATTERN }), {
      default: {},
      description: "Master key per column: column name to key name",
    }),
    overwrite: Type.Boolean({ default: false, description: "Replace what is there (mode write)" }),
  },
  closed,
);

/** The job file: also the values of `charts/spark-job`. Defaults and descriptions are part of the schema. */
export const JobFile = Type.Object(
  {
    name: Type.String({
      pattern: NAME_PATTERN,
      default: "job",
      description: "Name of the application: small letters, digits, dashes, at most 40",
    }),
    jar: Type.Optional(filled("Application jar: a path, or local:///path in the image")),
    class: Type.Optional(filled("Main class in the jar")),
    python: Type.Optional(filled("Python main file, instead of jar and class")),
    args: Type.Array(text(), {
      default: [],
      description: "Arguments of the application. {data.NAME} becomes the path of that dataset",
    }),
    jars: paths("Further jars for driver and executors"),
    pyFiles: paths("Python files, eggs or zips for driver and executors"),
    files: paths("Files placed in the working folder of each executor"),
    driver: Driver,
    executor: Executor,
    sparkConf: Type.Record(
      Type.String(),
      Type.Unsafe<string | number | boolean>({ type: ["string", "number", "boolean"] }),
      {
        default: {},
        description: "Spark settings. Those that would weaken the profile are refused by name",
      },
    ),
    data: Type.Record(Type.String({ pattern: DATASET_PATTERN }), Dataset, {
      ...closed,
      default: {},
      description: "Encrypted data the job reads or writes, by name",
    }),
    security: Type.Object(
      {
        profile: Type.Enum(["aes-gcm", "tls"], {
          default: "aes-gcm",
          description: "How channels are protected: AES-GCM with a shared secret, or TLS 1.3",
        }),
        secrets: clusterSecrets,
      },
      { ...closed, default: {}, description: "Protection of channels and scratch files" },
    ),
    trust: Type.Object(
      {
        tee: Type.Enum(["none", "simulation", "sgx", "tdx", "snp"], {
          default: "none",
          description: "Trusted execution environment the job must run in",
        }),
        ...teeKeys,
      },
      { ...closed, default: {}, description: "What must be proved before keys are released" },
    ),
    retries: Type.Integer({ minimum: 0, maximum: 10, default: 0, description: "Further attempts after a failed one" }),
    timeout: duration("24h", "Longest time the application may run"),
    startTimeout: duration("120s", "Longest time until all executors are registered"),
    eventLog: Type.Object(
      {
        enabled: flag(true, "Keep Spark's event log for the history server. On Kubernetes it needs a place"),
        pvc: Type.Optional(
          Type.String({
            pattern: OBJECT_PATTERN,
            description: "Existing volume claim for it and for logs. Kubernetes only",
          }),
        ),
        dir: Type.Optional(filled("Folder in that claim, or an address such as s3a://bucket/folder. Kubernetes only")),
      },
      { ...closed, default: {}, description: "Spark's event log" },
    ),
    ui: Type.Object(
      { enabled: flag(true, "Serve Spark's UI, by TLS and to holders of the token") },
      { ...closed, default: {}, description: "Spark's UI. Kubernetes only; `bulwark run` always has it" },
    ),
    maven,
    ...clusterKeys,
  },
  { ...closed, title: "Bulwark job file", description: "One job for Bulwark" },
);

/** A job file with every default filled in. */
export type JobFile = Static<typeof JobFile>;
/** One entry of `data`. */
export type Dataset = Static<typeof Dataset>;
