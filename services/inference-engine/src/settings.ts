// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  findOlderBlobFaults,
  findSettingsFaults,
  type ModelSettings,
  type OlderBlobSettings,
} from "@bulwark/inference";
import { DEFAULT_JOB, type RedisConnectionSettings } from "@bulwark/queue";
import { parsePostProcessing } from "@bulwark/tensors";
import type { OlderSettings } from "./older.ts";

/** What the process is told, by a JSON file of mode 0600. */
export type EngineSettings = {
  redis: RedisConnectionSettings;
  /** Stream of the records. */
  job: string;
  /** Name of this engine, the same after a restart; no two engines of one job may share it. By default the host's. */
  consumer: string;
  /** Master keys: of records, and of encrypted models. */
  keyringFile?: string;
  recordKey: string;
  /** A folder `NAME/VERSION/model.onnx`, or one model file. */
  models: string;
  /** For one model file: its name. */
  modelName?: string;
  modelSettings: Readonly<Record<string, Partial<ModelSettings>>>;
  /** `models` and `records` let what BigDL encrypted be read. */
  older: Omit<OlderSettings, "decrypt"> & { models?: OlderBlobSettings; records?: OlderBlobSettings };
  mostInFlight: number;
  /** Records that an engine does not touch for so long are taken over by another. */
  minIdleMs: number;
  mostDeliveries: number;
  resultTtlMs: number;
  mostDead: number;
  /** Bytes this process may use, beyond which no model is loaded; a share of what there is when absent, 0: not looked at. */
  memoryLimitBytes?: number;
  /** Answers probes and Prometheus there, by TLS where `redis` names a certificate; absent: nowhere. */
  healthPort?: number;
  healthHost: string;
  /** A collector of traces, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it, which counts where this is absent. */
  tracesEndpoint?: string;
  /** The process ends when its standard input does: with whoever started it. */
  hasLifeline: boolean;
};

const DEFAULTS = {
  consumer: `embedded-${hostname()}`,
  job: DEFAULT_JOB,
  recordKey: "serving-records",
  modelSettings: {},
  mostInFlight: 256,
  minIdleMs: 10_000,
  mostDeliveries: 5,
  resultTtlMs: 3_600_000,
  mostDead: 10_000,
  healthHost: "127.0.0.1",
  hasLifeline: false,
};
const OPTIONAL = ["keyringFile", "modelName", "memoryLimitBytes", "healthPort", "tracesEndpoint"];
const REQUIRED = ["redis", "models"];

/** Reads the settings. Throws SERVING_CONFIG, with every finding. */
export async function readSettings(path: string): Promise<EngineSettings> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read.`, "name a settings file", { cause });
  });
  const given = parse(text, path);
  const known = [...Object.keys(DEFAULTS), ...OPTIONAL, ...REQUIRED, "older"];
  const older = (given.older ?? {}) as Partial<EngineSettings["older"]> & { postProcessing?: string };
  const wrong = [
    ...Object.keys(given)
      .filter((key) => !known.includes(key))
      .map((key) => `${key} is not known`),
    ...REQUIRED.filter((key) => given[key] === undefined).map((key) => `${key} is missing`),
    ...Object.entries({ ...DEFAULTS, memoryLimitBytes: 0, healthPort: 0, tracesEndpoint: "" }).flatMap(([key, value]) =>
      describeMisfit(key, given[key], value),
    ),
    ...findSettingsFaults(given.modelSettings ?? {}),
    ...findOlderBlobFaults("older.models", older.models, { mayWait: false }),
    ...findOlderBlobFaults("older.records", older.records, { mayWait: false }),
  ];
  if (wrong.length > 0) throw invalid(path, wrong);
  const postProcessing = parsePostProcessing(older.postProcessing ?? "");
  return {
    ...DEFAULTS,
    ...given,
    older: {
      ...(older.model === undefined ? {} : { model: older.model }),
      ...(older.resize === undefined ? {} : { resize: older.resize }),
      ...(older.models === undefined ? {} : { models: older.models }),
      ...(older.records === undefined ? {} : { records: older.records }),
      ...(postProcessing === undefined ? {} : { postProcessing }),
    },
  } as EngineSettings;
}

function parse(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below: what the parser says would quote the file.
  }
  throw invalid(path, ["it is no JSON object"]);
}

function describeMisfit(key: string, value: unknown, sample: unknown): string[] {
  if (value === undefined || typeof value === typeof sample) return [];
  return [`${key} is to be a ${typeof sample}`];
}

const invalid = (path: string, wrong: readonly string[]): BulwarkError =>
  new BulwarkError("SERVING_CONFIG", `${path}: ${wrong.join("; ")}.`, "mend the settings file");
