// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import {
  findOlderBlobFaults,
  findSettingsFaults,
  type ModelSettings,
  type OlderBlobSettings,
  resolveSettings,
} from "@bulwark/inference";
import { DEFAULT_LIMITS, DIALECTS, type Dialect, type Limits } from "@bulwark/tensors";
import type { DurableSettings } from "./durable/index.ts";
import { findWeightFaults, type Weights } from "./split.ts";
import type { WebhookSettings } from "./webhooks/index.ts";

export type Delivery = "direct" | "durable";

/** What one caller may use; 0 is no limit. */
export type ClientLimits = { readonly requestsPerSecond: number; readonly burst: number; readonly concurrent: number };

export type TlsFiles = { readonly certificate: string; readonly privateKey: string; readonly caBundle: string };

/** Everything the gateway is told, by a file. Ports: 0 takes a free one, absent opens none. */
export type GatewayConfig = {
  /** A folder `NAME/VERSION/model.onnx`, or one model file; not needed, and not looked at, where every model is durable. */
  readonly models?: string;
  /** Name of the model where `models` is a file. */
  readonly modelName?: string;
  /** By name of the model, or `*` for all. */
  readonly modelSettings: Readonly<Record<string, Partial<ModelSettings>>>;
  /** How requests reach their model, by its name or `*`. */
  readonly delivery: Readonly<Record<string, Delivery>>;
  /** By name of the model, how requests that name no version are shared among its versions. */
  readonly weights: Readonly<Record<string, Weights>>;
  readonly durable?: DurableSettings;
  readonly webhooks?: WebhookSettings;
  /** A collector of traces, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it, which counts where this is absent. */
  readonly tracesEndpoint?: string;
  readonly host: string;
  readonly httpPort?: number;
  readonly httpsPort?: number;
  readonly grpcPort?: number;
  /** Health and metrics alone, for probes and Prometheus: asks nobody who he is. With `tls`, by TLS. */
  readonly healthPort?: number;
  readonly tls?: TlsFiles;
  /** Callers must show a certificate of the authority. */
  readonly clientCertificates: boolean;
  /** Names in certificates whose holders may load and unload models. */
  readonly adminCertificates: readonly string[];
  /** A file of tokens, of mode 0600; callers must then send one. */
  readonly tokensFile?: string;
  /** Requests without encryption are taken from other machines, too. */
  readonly allowPlain: boolean;
  readonly keyringFile?: string;
  readonly clientLimits: ClientLimits;
  /** Requests under way in the whole server. */
  readonly maxInFlight: number;
  readonly bodyBytes: number;
  /** Bytes of all bodies under way together; a quarter of the memory when absent, one body at least. */
  readonly bodiesBytes?: number;
  readonly tensorLimits: Limits;
  /** For requests that bring no deadline of their own. */
  readonly requestMs: number;
  /** The same for a stream of tokens as a whole. */
  readonly streamMs: number;
  /** How long a submitted request may wait for its computation, at most; also for those that say nothing. */
  readonly asyncMs: number;
  /** How long requests are still taken once the server is asked to end, until those who send them know of it. */
  readonly leaveMs: number;
  /** How long requests under way may go on after that. */
  readonly drainMs: number;
  /** How often each model is asked whether it still answers; 0: never. */
  readonly canaryMs: number;
  /** Bytes of memory for the process, beyond which no model is loaded; a share of what there is when absent, 0: not looked at. */
  readonly memoryBytes?: number;
  readonly older: {
    /** The model that `/predict` means; the only one when absent. */
    readonly model?: string;
    readonly dialect: Dialect;
    readonly postProcessing: string;
    /** Lists without the commas that the older server left out. */
    readonly asWritten: boolean;
    readonly resize?: { readonly width: number; readonly height: number };
    /** Models that BigDL encrypted are opened; without files, once `/model-secure` was told the secrets. */
    readonly models?: OlderBlobSettings;
    /** Pictures come encrypted as BigDL's clients did. */
    readonly records?: OlderBlobSettings;
  };
  /** The server ends when its standard input does. */
  readonly hasLifeline: boolean;
};

export const DEFAULT_CONFIG: GatewayConfig = {
  modelSettings: {},
  delivery: { "*": "direct" },
  weights: {},
  host: "127.0.0.1",
  clientCertificates: false,
  adminCertificates: [],
  allowPlain: false,
  clientLimits: { requestsPerSecond: 0, burst: 0, concurrent: 0 },
  maxInFlight: 2048,
  bodyBytes: 64 * 2 ** 20,
  tensorLimits: DEFAULT_LIMITS,
  requestMs: 30_000,
  streamMs: 300_000,
  asyncMs: 600_000,
  leaveMs: 0,
  drainMs: 20_000,
  canaryMs: 10_000,
  older: { dialect: "b", postProcessing: "", asWritten: false },
  hasLifeline: false,
};

const OPTIONAL: Readonly<Record<string, string>> = {
  models: "string",
  modelName: "string",
  durable: "object",
  webhooks: "object",
  tracesEndpoint: "string",
  httpPort: "number",
  httpsPort: "number",
  grpcPort: "number",
  healthPort: "number",
  memoryBytes: "number",
  bodiesBytes: "number",
  tls: "object",
  tokensFile: "string",
  keyringFile: "string",
};

/** Reads the file. Throws SERVING_CONFIG with every finding. */
export async function readConfig(path: string): Promise<GatewayConfig> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read`, "name a settings file", { cause });
  });
  return parseConfig(text, path);
}

/** The settings of a JSON text, defaults filled in. Throws SERVING_CONFIG with every finding. */
export function parseConfig(text: string, file: string): GatewayConfig {
  const given = parseObject(text, file);
  const ofModels = [...findSettingsFaults(given.modelSettings ?? {}), ...findWeightFaults(given.weights ?? {})];
  const findings = [
    ...findMisfits(given),
    ...findConflicts(given),
    ...findWebhookFaults(given.webhooks),
    ...findOlderFaults(given.older as Partial<GatewayConfig["older"]> | undefined),
    ...(ofModels.length === 0 ? findUnloaded(given as Partial<GatewayConfig>) : ofModels),
  ].map((message) => toFinding(message, file));
  const [first] = findings;
  if (first !== undefined) throw new BulwarkError("SERVING_CONFIG", first.message, first.mend, { findings });
  const older = { ...DEFAULT_CONFIG.older, ...(given.older as object) };
  const tensorLimits = { ...DEFAULT_CONFIG.tensorLimits, ...(given.tensorLimits as object) };
  return { ...DEFAULT_CONFIG, ...given, older, tensorLimits } as GatewayConfig;
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below; the parser's words would quote the file.
  }
  throw new BulwarkError("SERVING_CONFIG", `${file} is no JSON object`, "mend the settings file");
}

function findMisfits(given: Record<string, unknown>): string[] {
  const types: Record<string, string> = { ...OPTIONAL };
  for (const [key, value] of Object.entries(DEFAULT_CONFIG)) types[key] = typeof value;
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(types, key));
  const wrong = Object.entries(given).filter(([key, value]) => types[key] !== undefined && typeof value !== types[key]);
  return [
    ...unknown.map((key) => `${key} is no setting of the gateway`),
    ...wrong.map(([key]) => `${key} is to be a ${types[key]}`),
    ...(given.models === undefined && hasDirectModels(given.delivery) ? ["models is missing"] : []),
  ];
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** Combinations that cannot be, or that would give something away. */
function findConflicts(given: Record<string, unknown>): string[] {
  const host = String(given.host ?? DEFAULT_CONFIG.host);
  const isOpen = !LOOPBACK.has(host);
  const isPlain = given.allowPlain === true;
  const { tls, httpPort, httpsPort, grpcPort, healthPort, clientCertificates = false, tokensFile, durable } = given;
  const isQueued = Object.values((given.delivery as object | undefined) ?? {}).includes("durable");
  const { dialect = "b", models: olderModels } = (given.older ?? {}) as Partial<GatewayConfig["older"]>;
  const mustBeTold = olderModels !== undefined && olderModels.secretFile === undefined;
  const inTheClear = "would take requests in the clear";
  const conflicts: [boolean, string][] = [
    [httpsPort !== undefined && tls === undefined, "httpsPort needs tls"],
    [clientCertificates === true && tls === undefined, "clientCertificates needs tls"],
    [isOpen && !isPlain && httpPort !== undefined, `httpPort on ${host} ${inTheClear}; use httpsPort`],
    [
      isOpen && !isPlain && grpcPort !== undefined && tls === undefined,
      `grpcPort on ${host} ${inTheClear}; it needs tls`,
    ],
    [isOpen && !isPlain && healthPort !== undefined && tls === undefined, `healthPort on ${host} needs tls`],
    [
      isOpen && tokensFile === undefined && clientCertificates !== true,
      `${host} is reached by others; it needs tokensFile or clientCertificates`,
    ],
    [isQueued && durable === undefined, "delivery: durable needs durable"],
    // Engines behind the queue would not be told: the secrets stay in this process.
    [mustBeTold && durable !== undefined, "older.models needs secretFile and saltFile where there is a queue"],
    [!DIALECTS.includes(dialect), `older.dialect is to be one of ${DIALECTS.join(", ")}`],
  ];
  return conflicts.flatMap(([isThere, message]) => (isThere ? [message] : []));
}

/** Versions with a share of requests that the model's settings do not load. */
function findUnloaded({ weights = {}, modelSettings = {} }: Partial<GatewayConfig>): string[] {
  return Object.entries(weights).flatMap(([model, shares]) => {
    const { versions } = resolveSettings(modelSettings, model);
    const wanted = Object.keys(shares);
    const isLoaded = (version: string): boolean => versions.kind !== "specific" || versions.versions.includes(version);
    const place = `modelSettings.${model}.versions`;
    if (versions.kind === "latest" && versions.count < wanted.length) {
      return [`${place} loads ${versions.count}, and weights.${model} names ${wanted.length}; use { kind: all }`];
    }
    return wanted.filter((version) => !isLoaded(version)).map((version) => `${place} does not load ${version}`);
  });
}

const findOlderFaults = ({ models, records }: Partial<GatewayConfig["older"]> = {}): string[] => [
  ...findOlderBlobFaults("older.models", models, { mayWait: true }),
  ...findOlderBlobFaults("older.records", records, { mayWait: false }),
];

const WEBHOOK_KEYS: Readonly<Record<keyof WebhookSettings, (value: unknown) => boolean>> = {
  secretFile: (value) => typeof value === "string",
  allowPrivate: (value) => typeof value === "boolean",
  hosts: (value) => Array.isArray(value) && value.every((host) => typeof host === "string"),
};

function findWebhookFaults(given: unknown): string[] {
  if (typeof given !== "object" || given === null) return [];
  const faults = Object.entries(given).flatMap(([key, value]) => {
    const accepts = WEBHOOK_KEYS[key as keyof WebhookSettings];
    if (accepts === undefined) return [`webhooks.${key} is no setting`];
    return accepts(value) ? [] : [`webhooks.${key} is of the wrong type`];
  });
  return "secretFile" in given ? faults : [...faults, "webhooks.secretFile is missing"];
}

const toFinding = (message: string, file: string): Finding => ({
  code: "SERVING_CONFIG",
  message,
  mend: `mend it in ${file}`,
  file,
});

/** Whether any model could be computed in the gateway's own process. */
export function hasDirectModels(delivery: unknown = DEFAULT_CONFIG.delivery): boolean {
  const { "*": others = "direct", ...named } = Object(delivery) as Record<string, unknown>;
  return others !== "durable" || Object.values(named).some((one) => one !== "durable");
}

export function deliveryOf({ delivery }: GatewayConfig, model: string): Delivery {
  return delivery[model] ?? delivery["*"] ?? "direct";
}
