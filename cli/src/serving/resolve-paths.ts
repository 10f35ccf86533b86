// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";

/** What names a file or a folder in a settings file; `*` is each of a list. */
const PATHS = [
  ...["models", "models.*.path"],
  ...["tokensFile", "keyringFile", "tls.certificate", "tls.privateKey", "tls.caBundle"],
  "webhooks.secretFile",
  ...["older.models.secretFile", "older.models.saltFile", "older.records.secretFile", "older.records.saltFile"],
  ...["queue.redis.passwordFile", "queue.redis.caFile", "queue.redis.certificateFile", "queue.redis.privateKeyFile"],
].map((path) => path.split("."));

type Settings = Readonly<Record<string, unknown>>;

/** Settings whose paths are seen from a folder: that of the settings file. What is no text, or an empty one, stays. */
export function resolvePaths(settings: Settings, folder: string): Settings {
  return PATHS.reduce((changed, path) => resolveAt(changed, path, folder) as Settings, settings);
}

function resolveAt(value: unknown, [key, ...rest]: readonly string[], folder: string): unknown {
  if (key === undefined) return typeof value === "string" && value !== "" ? resolve(folder, value) : value;
  if (key === "*") return Array.isArray(value) ? value.map((one) => resolveAt(one, rest, folder)) : value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return value;
  if (Array.isArray(value)) return value;
  return { ...value, [key]: resolveAt((value as Settings)[key], rest, folder) };
}
