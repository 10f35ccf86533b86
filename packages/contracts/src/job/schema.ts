// SPDX-License-Identifier: Apache-2.0
import Type, { type Static } from "typebox";
import {
  DATASET_PATTERN,
  DURATION_PATTERN,
  FILLED_PATTERN,
  NAME_PATTERN,
  SIZE_PATTERN,
  VARIABLE_PATTERN,
} from "../document/forms.ts";

// Loading TypeBox costs more than a whole `bulwark validate` may take. So this file is read by the generator and by the
// compiler alone; at run time the compiled schema in generated/ stands for it.

const closed = { additionalProperties: false } as const;
const size = (value: string, description: string) =>
  Type.String({ pattern: SIZE_PATTERN, default: value, description });
const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });
const filled = (description: string) => Type.String({ pattern: FILLED_PATTERN, description });
const paths = (description: string) =>
  Type.Array(Type.String({ pattern: FILLED_PATTERN }), { default: [], description });
/** Text which may be written without quotes (`8`, `true`); reading the file makes it text. */
const text = () => Type.Unsafe<string>({ type: ["string", "number", "boolean"] });
const environment = (role: string) =>
  Type.Record(Type.String({ pattern: VARIABLE_PATTERN }), text(), {
    ...closed,
    default: {},
    description: `Environment of the ${role}. Never for secrets`,
  });

const Driver = Type.Object(
  {
    cores: Type.Integer({ minimum: 1, maximum: 1024, default: 1, description: "Cores of the driver" }),
    memory: size("1g", "Heap of the driver"),
    env: environment("driver"),
  },
  { ...closed, default: {}, description: "Size and environment of the driver" },
);

const Executor = Type.Object(
  {
    instances: Type.Integer({ minimum: 1, maximum: 10000, default: 2, description: "How many executors" }),
    cores: Type.Integer({ minimum: 1, maximum: 1024, default: 1, description: "Cores of each executor" }),
    memory: size("1g", "Heap of each executor"),
    env: environment("executors"),
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
      },
      { ...closed, default: {}, description: "Protection of channels and scratch files" },
    ),
    trust: Type.Object(
      {
        tee: Type.Enum(["none", "simulation", "sgx", "tdx", "snp"], {
          default: "none",
          description: "Trusted execution environment the job must run in",
        }),
      },
      { ...closed, default: {}, description: "What must be proved before keys are released" },
    ),
    retries: Type.Integer({ minimum: 0, maximum: 10, default: 0, description: "Further attempts after a failed one" }),
    timeout: duration("24h", "Longest time the application may run"),
    startTimeout: duration("120s", "Longest time until all executors are registered"),
    eventLog: Type.Object(
      {
        enabled: Type.Boolean({ default: true, description: "Keep Spark's event log for the history server" }),
      },
      { ...closed, default: {}, description: "Spark's event log" },
    ),
    image: Type.Optional(filled("Image of driver and executors. Kubernetes only, required there")),
    k8sMaster: Type.Optional(filled("Address of the API server. Kubernetes only")),
    pvc: Type.Optional(filled("Existing volume claim with the data. Kubernetes only")),
    deployMode: Type.Enum(["client", "cluster"], {
      default: "client",
      description: "Where the driver runs on Kubernetes: in the release's own pod, or in one of its own",
    }),
  },
  { ...closed, title: "Bulwark job file", description: "One job for bulwark run" },
);

/** A job file with every default filled in. */
export type JobFile = Static<typeof JobFile>;
/** One entry of `data`. */
export type Dataset = Static<typeof Dataset>;
