// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Environment } from "../command.ts";
import { checkLayer, type Entry, type Layer } from "./check.ts";
import { findProjectFile, readEntries } from "./file.ts";
import { DEFAULTS, type Origin, SETTING_NAMES, type SettingName, type Settings, toVariable } from "./settings.ts";

/** A setting with its value and where that came from: a file, or the name of a variable. */
export type ResolvedSetting = { name: SettingName; value: string; origin: Origin; place: string };

/** Where settings are looked for. */
export type Places = { env: Environment; cwd: string; home: string; userFile: string };

/**
 * Resolves every setting that has a value: environment > project file > user file > default. Flags come on top later.
 *
 * @throws BulwarkError CONFIG_INVALID with all findings of all places
 */
export async function resolveSettings({ env, cwd, home, userFile }: Places): Promise<ResolvedSetting[]> {
  const projectFile = findProjectFile(cwd);
  const layers: readonly Layer[] = [
    { origin: "environment", place: "environment", entries: readEnvironment(env), base: cwd },
    ...(projectFile === undefined ? [] : [await readLayer("project file", projectFile)]),
    await readLayer("user file", userFile),
  ];
  const checked = layers.map((layer) => ({ ...layer, ...checkLayer(layer, home) }));
  const findings = checked.flatMap((layer) => layer.findings);
  if (findings.length > 0) {
    const files = [...new Set(findings.map(({ file }) => file))].join(", ");
    throw new BulwarkError("CONFIG_INVALID", `The settings are wrong: ${files}.`, "correct what is listed above", {
      findings,
    });
  }
  return SETTING_NAMES.flatMap((name) => {
    const layer = checked.find(({ settings }) => settings[name] !== undefined);
    const value = layer?.settings[name] ?? DEFAULTS[name];
    if (value === undefined) return [];
    const place = layer?.origin === "environment" ? toVariable(name) : (layer?.place ?? "default");
    return [{ name, value, origin: layer?.origin ?? "default", place }];
  });
}

/** Resolved settings as a plain object. */
export function toSettings(resolved: readonly ResolvedSetting[]): Settings {
  return Object.fromEntries(resolved.map(({ name, value }) => [name, value]));
}

async function readLayer(origin: Origin, place: string): Promise<Layer> {
  return { origin, place, entries: await readEntries(place), base: dirname(place) };
}

/** Only variables of settings are looked at; an empty one counts as not set. */
function readEnvironment(env: Environment): Entry[] {
  return SETTING_NAMES.flatMap((name) => {
    const value = env[toVariable(name)];
    return value === undefined || value === "" ? [] : [{ name, value }];
  });
}
