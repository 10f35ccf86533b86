// SPDX-License-Identifier: Apache-2.0
import { DEFAULT_SETTINGS, type ModelSettings, type StreamSettings } from "./settings.ts";

const isWhole = (least: number) => (value: unknown) => Number.isSafeInteger(value) && Number(value) >= least;
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const isText = (value: unknown): value is string => typeof value === "string";

type Rule = { accepts(value: unknown): boolean; wanted: string };

const RULES: Readonly<Record<keyof ModelSettings, Rule>> = {
  versions: {
    accepts: isPolicy,
    wanted: 'is to be { kind: all }, { kind: latest, count: 1 } or { kind: specific, versions: ["1"] }',
  },
  labels: {
    accepts: (value) => isRecord(value) && Object.values(value).every(isText),
    wanted: 'is to name versions as text: { stable: "1" }',
  },
  instances: { accepts: isWhole(1), wanted: "is to be a whole number from 1 on" },
  threads: { accepts: isWhole(1), wanted: "is to be a whole number from 1 on" },
  batch: { accepts: isBatch, wanted: "is to be { maxRows: from 1 on, windowMs: from 0 on }" },
  maxWaiting: { accepts: isWhole(1), wanted: "is to be a whole number from 1 on" },
  runLimitMs: { accepts: isWhole(1), wanted: "is to be a number of milliseconds" },
  nonFinite: { accepts: (value) => value === "refuse" || value === "allow", wanted: "is to be refuse or allow" },
  stream: { accepts: isStream, wanted: 'is to name inputs and outputs: { tokens: "input_ids", next: "logits" }' },
};

const STREAM_KEYS: Readonly<Record<keyof StreamSettings, (value: unknown) => boolean>> = {
  tokens: isText,
  next: isText,
  state: (value) => isRecord(value) && Object.values(value).every(isText),
  mask: isText,
  positions: isText,
  end: (value) => Array.isArray(value) && value.every(isWhole(0)),
  maxTokens: isWhole(1),
};

export function isStream(value: unknown): value is StreamSettings {
  if (!isRecord(value) || value.tokens === undefined || value.next === undefined) return false;
  return Object.entries(value).every(
    ([key, one]) => Object.hasOwn(STREAM_KEYS, key) && STREAM_KEYS[key as keyof StreamSettings](one),
  );
}

function isPolicy(value: unknown): boolean {
  if (!isRecord(value)) return false;
  if (value.kind === "latest") return isWhole(1)(value.count);
  if (value.kind === "specific") return Array.isArray(value.versions) && value.versions.every(isText);
  return value.kind === "all";
}

function isBatch(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { maxRows = 1, windowMs = 0, ...others } = value;
  return isWhole(1)(maxRows) && isWhole(0)(windowMs) && Object.keys(others).length === 0;
}

/** Everything that is wrong with settings of models by name, one sentence each. */
export function findSettingsFaults(settings: unknown): string[] {
  if (!isRecord(settings)) return ["modelSettings is to have a key for each model"];
  return Object.entries(settings).flatMap(([model, given]) => {
    if (!isRecord(given)) return [`modelSettings.${model} is to hold settings`];
    return Object.entries(given).flatMap(([key, value]) => {
      const place = `modelSettings.${model}.${key}`;
      if (!Object.hasOwn(RULES, key)) return [`${place} is no setting of a model`];
      const { accepts, wanted } = RULES[key as keyof ModelSettings];
      return accepts(value) ? [] : [`${place} ${wanted}`];
    });
  });
}

/** Settings of one model: its own, those for all (`*`), the defaults. */
export function resolveSettings(
  settings: Readonly<Record<string, Partial<ModelSettings>>>,
  model: string,
): ModelSettings {
  const [all = {}, own = {}] = [settings["*"], settings[model]];
  const batch = { ...DEFAULT_SETTINGS.batch, ...all.batch, ...own.batch };
  return { ...DEFAULT_SETTINGS, ...all, ...own, batch };
}
