// SPDX-License-Identifier: Apache-2.0
import Type, { type Static } from "typebox";

/** A size as Spark writes it: a whole number with k, m, g or t. */
export const SIZE_PATTERN = "^[1-9][0-9]*[kmgtKMGT]$";
/** A duration: a whole number with ms, s, m or h. */
export const DURATION_PATTERN = "^[0-9]+(ms|s|m|h)$";
/** A name that fits a Kubernetes label with room for Spark's suffixes (RFC 1123, 40 characters). */
export const NAME_PATTERN = "^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$";

const closed = { additionalProperties: false } as const;
const size = (value: string, description: string) =>
  Type.String({ pattern: SIZE_PATTERN, default: value, description });
const duration = (value: string, description: string) =>
  Type.String({ pattern: DURATION_PATTERN, default: value, description });
const strings = (description: string) => Type.Array(Type.String(), { default: [], description });
const environment = (role: string) =>
  Type.Record(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }), Type.String(), {
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
    path: Type.String({ minLength: 1, description: "Where the data is, relative to the job file" }),
    mode: Type.Union([Type.Literal("read"), Type.Literal("write")], {
      default: "read",
      description: "Whether the job reads or makes it",
    }),
    key: Type.Optional(
      Type.String({ minLength: 1, description: "Master key of footer and of columns without one of their own" }),
    ),
    columns: Type.Record(Type.String(), Type.String(), {
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
    jar: Type.Optional(
      Type.String({ minLength: 1, description: "Application jar: a path, or local:///path in the image" }),
    ),
    class: Type.Optional(Type.String({ minLength: 1, description: "Main class in the jar" })),
    python: Type.Optional(Type.String({ minLength: 1, description: "Python main file, instead of jar and class" })),
    args: strings("Arguments of the application. {data.NAME} becomes the path of that dataset"),
    jars: strings("Further jars for driver and executors"),
    pyFiles: strings("Python files, eggs or zips for driver and executors"),
    files: strings("Files placed in the working folder of each executor"),
    driver: Driver,
    executor: Executor,
    sparkConf: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      default: {},
      description: "Spark settings. Those that would weaken the profile are refused by name",
    }),
    data: Type.Record(Type.String({ pattern: "^[A-Za-z][A-Za-z0-9_]*$" }), Dataset, {
      default: {},
      description: "Encrypted data the job reads or writes, by name",
    }),
    security: Type.Object(
      {
        profile: Type.Union([Type.Literal("aes-gcm"), Type.Literal("tls")], {
          default: "aes-gcm",
          description: "How channels are protected: AES-GCM with a shared secret, or TLS 1.3",
        }),
      },
      { ...closed, default: {}, description: "Protection of channels and scratch files" },
    ),
    trust: Type.Object(
      {
        tee: Type.Union(
          [
            Type.Literal("none"),
            Type.Literal("simulation"),
            Type.Literal("sgx"),
            Type.Literal("tdx"),
            Type.Literal("snp"),
          ],
          { default: "none", description: "Trusted execution environment the job must run in" },
        ),
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
    image: Type.Optional(
      Type.String({ minLength: 1, description: "Image of driver and executors. Kubernetes only, required there" }),
    ),
    k8sMaster: Type.Optional(Type.String({ minLength: 1, description: "Address of the API server. Kubernetes only" })),
    pvc: Type.Optional(
      Type.String({ minLength: 1, description: "Existing volume claim with the data. Kubernetes only" }),
    ),
    deployMode: Type.Union([Type.Literal("client"), Type.Literal("cluster")], {
      default: "client",
      description: "Where the driver runs on Kubernetes: in the release's own pod, or in one of its own",
    }),
  },
  { ...closed, title: "Bulwark job file", description: "One job, run by bulwark run, bulwark submit or helm install" },
);

/** A job file with every default filled in. */
export type JobFile = Static<typeof JobFile>;
export type Dataset = Static<typeof Dataset>;
