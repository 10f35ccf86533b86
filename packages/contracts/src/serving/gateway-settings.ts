// SPDX-License-Identifier: Apache-2.0
import Type, { type Static } from "typebox";
import { FILLED_PATTERN } from "../document/forms.ts";
import { closed, filled, flag, list } from "../job/schema-parts.ts";
import { OLDER_CIPHERS } from "../older-ciphers.ts";
import { JOB_PATTERN } from "../queue-job.ts";
import { ModelSettings } from "./model-settings.ts";
import { byModel, clientLimits, Delivery, olderSurface, part, Shares, whole } from "./parts.ts";

// Read by the generator and the compiler alone; at run time generated/ stands for it.

/** Timers take no more milliseconds, with room for what is added to them. */
const MOST_MS = 2_000_000_000;
const MOST_BYTES = 2 ** 50;

const ms = (value: number, minimum: number, description: string) => whole(value, minimum, description, MOST_MS);
const bytes = (minimum: number, description: string) => Type.Integer({ minimum, maximum: MOST_BYTES, description });
const port = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: 65535, description: `${description}. 0 takes a free one` }));
const file = (description: string) => Type.Optional(filled(description));
const most = (description: string) => Type.Optional(bytes(1, description));

const redis = Type.Object(
  {
    url: filled("redis:// or rediss://HOST:PORT"),
    user: file("User of Redis"),
    passwordFile: file("File of its password, of mode 0600"),
    caFile: file("Authority of Redis's certificate"),
    certificateFile: file("Certificate that is shown to Redis"),
    privateKeyFile: file("Its key"),
    serverName: file("Name in Redis's certificate, where that is not the one in url"),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MOST_MS, description: "How long Redis may take to answer" }),
    ),
  },
  { ...closed, description: "The queue's Redis" },
);

const durable = Type.Object(
  {
    redis,
    job: Type.String({ pattern: JOB_PATTERN, description: "Stream of the records" }),
    keyringFile: filled("Master keys"),
    recordKey: filled("Name of the one that seals records"),
    mostRecords: Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: "Records that may wait" }),
    mostBytes: bytes(0, "What they may weigh together"),
    budgetMs: Type.Integer({ minimum: 1, maximum: MOST_MS, description: "Time of a request without a deadline" }),
  },
  { ...closed, description: "Delivery through the queue" },
);

const blobs = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        cipher: Type.Enum([...OLDER_CIPHERS], { description: "With what it was encrypted" }),
        secretFile: file("The secret alone, of mode 0600"),
        saltFile: file("The salt alone, of mode 0600"),
      },
      { ...closed, description },
    ),
  );

/** Everything the gateway is told, by a file. Defaults and descriptions are part of the schema. */
export const GatewaySettings = Type.Object(
  {
    models: file("Folder NAME/VERSION/model.onnx, or one model file; not looked at where every model is durable"),
    modelName: file("Name of the model where models is a file"),
    modelSettings: byModel(ModelSettings, "How models are run, by their names or `*` for all"),
    delivery: byModel(Delivery, "How requests reach their model, by its name or `*`: direct or durable", {
      "*": "direct",
    }),
    weights: byModel(Shares, "By name of the model, how requests that name no version are shared among its versions"),
    durable: Type.Optional(durable),
    webhooks: Type.Optional(
      Type.Object(
        {
          secretFile: filled(
            "The secret that signs, of mode 0600, 24 bytes at least; `whsec_` and base64, or any text",
          ),
          allowPrivate: Type.Optional(
            Type.Boolean({ description: "Addresses inside the own network, and plain HTTP, may be called" }),
          ),
          hosts: Type.Optional(
            Type.Array(Type.String({ pattern: FILLED_PATTERN }), {
              description: "Hosts that may be called; any when absent",
            }),
          ),
        },
        { ...closed, description: "Webhooks of submitted requests; without it none are called" },
      ),
    ),
    tracesEndpoint: file(
      "Collector of traces, as OTEL_EXPORTER_OTLP_ENDPOINT names it, which counts where this is absent",
    ),
    host: Type.String({ pattern: FILLED_PATTERN, default: "127.0.0.1", description: "Address to listen on" }),
    httpPort: port("HTTP"),
    httpsPort: port("HTTPS"),
    grpcPort: port("gRPC"),
    healthPort: port("Health and metrics alone, for probes and Prometheus: asks nobody who he is. With tls, by TLS"),
    tls: Type.Optional(
      Type.Object(
        {
          certificate: filled("File of the certificate"),
          privateKey: filled("File of its key"),
          caBundle: filled("File of the authority of callers"),
        },
        { ...closed, description: "Certificate of the server" },
      ),
    ),
    clientCertificates: flag(false, "Callers must show a certificate of the authority"),
    adminCertificates: list(FILLED_PATTERN, "Common names in certificates whose holders may load and unload models"),
    tokensFile: file("File of tokens, of mode 0600; callers must then send one"),
    allowPlain: flag(false, "Requests without encryption are taken from other machines, too"),
    keyringFile: file("Master keys of encrypted models"),
    clientLimits,
    maxInFlight: whole(2048, 1, "Requests under way in the whole server; then 503"),
    bodyBytes: Type.Integer({
      ...{ minimum: 1, maximum: MOST_BYTES, default: 64 * 2 ** 20 },
      description: "Largest body of a request",
    }),
    bodiesBytes: most("All bodies under way together; a quarter of the memory when absent, one body at least"),
    tensorLimits: part(
      {
        tensors: most("Inputs, or outputs asked for"),
        dimensions: most("Dimensions of one tensor"),
        elements: most("Elements of one tensor"),
        pixels: most("Pixels of one image before it is made smaller"),
      },
      "What a request may hold at most",
    ),
    requestMs: ms(30_000, 1, "Time of requests that bring no deadline, and the most that any has"),
    streamMs: ms(300_000, 1, "The same for a stream of tokens as a whole"),
    asyncMs: ms(600_000, 1, "How long a submitted request may wait for its computation"),
    leaveMs: ms(0, 0, "How long requests are still taken once the server is asked to end"),
    drainMs: ms(20_000, 0, "How long requests under way may go on after that"),
    canaryMs: ms(10_000, 0, "How often each model is asked whether it still answers; 0: never"),
    memoryBytes: Type.Optional(
      bytes(
        0,
        "Memory of the process, beyond which no model is loaded; a share of what there is when absent, 0: not looked at",
      ),
    ),
    older: part(
      {
        model: file("The model that /predict means; the only one when absent"),
        ...olderSurface,
        models: blobs("Models that BigDL encrypted are opened; without files, once /model-secure was told the secrets"),
        records: blobs("Pictures come encrypted as BigDL's clients did"),
      },
      "The HTTP surface of BigDL Cluster Serving",
    ),
    hasLifeline: flag(false, "The server ends when its standard input does"),
  },
  { ...closed, title: "Settings of the gateway", description: "What the serving gateway is told" },
);

export type GatewaySettings = Static<typeof GatewaySettings>;
