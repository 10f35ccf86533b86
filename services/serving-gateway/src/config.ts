// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { checkGatewaySettings, type GatewaySettings } from "@bulwark/contracts/serving";
import { findOlderBlobFaults, type ModelSettings, resolveSettings } from "@bulwark/inference";
import { DEFAULT_LIMITS, type Limits } from "@bulwark/tensors";
import { findWeightFaults } from "./split.ts";

export type Delivery = GatewayConfig["delivery"][string];
/** What one caller may use; 0 is no limit. */
export type ClientLimits = GatewayConfig["clientLimits"];

/** Everything the gateway is told, by a file, defaults filled in. Ports: 0 takes a free one, absent opens none. */
export type GatewayConfig = Readonly<
  Omit<GatewaySettings, "modelSettings" | "tensorLimits"> & {
    modelSettings: Readonly<Record<string, Partial<ModelSettings>>>;
    tensorLimits: Limits;
  }
>;

/** Reads the file. Throws SERVING_CONFIG with every finding. */
export async function readConfig(path: string): Promise<GatewayConfig> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read`, "name a settings file", { cause });
  });
  return parseConfig(text, path);
}

/** The settings of a JSON text, defaults filled in. Throws SERVING_CONFIG with every finding, all of them in its message. */
export function parseConfig(text: string, file: string): GatewayConfig {
  const given = parseObject(text, file);
  const isPlaceless = given.models === undefined && hasDirectModels(given.delivery);
  const issues = checkGatewaySettings(given);
  const misfits = issues.map(
    ({ at, message, mend }): Finding => ({ code: "SERVING_CONFIG", message, mend, file, path: at.join(".") }),
  );
  const config = { ...given, ...toSound(given, new Set(issues.map(({ at: [key] }) => key))) } as GatewayConfig;
  const others = [...(isPlaceless ? ["models is missing"] : []), ...findConflicts(config), ...findFaults(config)];
  const findings = [...misfits, ...others.map((message) => toFinding(message, file))];
  const [first] = findings;
  if (first === undefined) return { ...config, tensorLimits: { ...DEFAULT_LIMITS, ...config.tensorLimits } };
  const message = findings.map((finding) => finding.message).join("; ");
  const mends = new Set(findings.map((finding) => finding.mend));
  throw new BulwarkError("SERVING_CONFIG", message, [...mends].join("; "), { findings });
}

/** What has no fault, defaults for the rest: what has one is taken for its default, that the others can be judged. */
function toSound(given: Readonly<Record<string, unknown>>, broken: ReadonlySet<string | undefined>): object {
  const sound = Object.fromEntries(Object.entries(given).filter(([key]) => !broken.has(key)));
  checkGatewaySettings(sound);
  return sound;
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

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** Combinations that cannot be, or that would give something away. */
function findConflicts(config: GatewayConfig): string[] {
  const { host, tls, httpPort, httpsPort, grpcPort, healthPort, clientCertificates, tokensFile, durable } = config;
  const { allowPlain: isPlain, delivery, older, bodyBytes, bodiesBytes = bodyBytes, adminCertificates } = config;
  const isOpen = !LOOPBACK.has(host);
  const isQueued = Object.values(delivery).includes("durable");
  const mustBeTold = older.models !== undefined && older.models.secretFile === undefined;
  const inTheClear = "would take requests in the clear";
  const conflicts: [boolean, string][] = [
    [httpsPort !== undefined && tls === undefined, "httpsPort needs tls"],
    [clientCertificates && tls === undefined, "clientCertificates needs tls"],
    [adminCertificates.length > 0 && !clientCertificates, "adminCertificates needs clientCertificates"],
    [isOpen && !isPlain && httpPort !== undefined, `httpPort on ${host} ${inTheClear}; use httpsPort`],
    [
      isOpen && !isPlain && grpcPort !== undefined && tls === undefined,
      `grpcPort on ${host} ${inTheClear}; it needs tls`,
    ],
    [isOpen && !isPlain && healthPort !== undefined && tls === undefined, `healthPort on ${host} needs tls`],
    [
      isOpen && tokensFile === undefined && !clientCertificates,
      `${host} is reached by others; it needs tokensFile or clientCertificates`,
    ],
    [isQueued && durable === undefined, "delivery: durable needs durable"],
    // Engines behind the queue would not be told: the secrets stay in this process.
    [mustBeTold && durable !== undefined, "older.models needs secretFile and saltFile where there is a queue"],
    [bodiesBytes < bodyBytes, "bodiesBytes is less than bodyBytes: the largest body would never be taken"],
  ];
  return conflicts.flatMap(([isThere, message]) => (isThere ? [message] : []));
}

/** What is wrong with parts of which each value is right. */
const findFaults = (config: GatewayConfig): string[] => [
  ...findWeightFaults(config.weights),
  ...findUnloaded(config),
  ...findOlderBlobFaults("older.models", config.older.models, { mayWait: true }),
  ...findOlderBlobFaults("older.records", config.older.records, { mayWait: false }),
];

/** Versions with a share of requests that the model's settings do not load. */
function findUnloaded({ weights, modelSettings }: GatewayConfig): string[] {
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

const toFinding = (message: string, file: string): Finding => ({
  code: "SERVING_CONFIG",
  message,
  mend: `mend it in ${file}`,
  file,
});

/** Whether any model could be computed in the gateway's own process. */
export function hasDirectModels(delivery: unknown): boolean {
  const { "*": others = "direct", ...named } = Object(delivery) as Record<string, unknown>;
  return others !== "durable" || Object.values(named).some((one) => one !== "durable");
}

export function deliveryOf({ delivery }: GatewayConfig, model: string): Delivery {
  return delivery[model] ?? delivery["*"] ?? "direct";
}
