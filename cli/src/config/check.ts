// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from "node:path";
import type { Finding } from "@bulwark/contracts/errors";
import { suggestName } from "@bulwark/contracts/suggest-name";
import {
  isSettingName,
  type Origin,
  SETTING_NAMES,
  SETTINGS,
  type SettingSpec,
  type Settings,
  toVariable,
} from "./settings.ts";

/** One `name: value` as written, and where. */
export type Entry = { name: string; value: unknown; line?: number; column?: number };

/** All settings of one place, before they are checked. */
export type Layer = {
  origin: Origin;
  place: string;
  entries: readonly Entry[];
  /** What relative paths count from. */
  base: string;
};

/** How the user wrote it. */
const showName = ({ origin }: Layer, name: string): string =>
  origin === "environment" && isSettingName(name) ? toVariable(name) : name;

type Problem = { message: string; mend: string };

/** The settings of a layer, with what is wrong with it; paths become absolute, `~/` being the home folder. */
export function checkLayer(layer: Layer, home: string): { settings: Settings; findings: Finding[] } {
  const settings: Settings = {};
  const findings: Finding[] = [];
  for (const { name, value, ...position } of layer.entries) {
    const problem = findProblem(layer, name, value);
    if (problem !== undefined) {
      findings.push({
        code: "CONFIG_INVALID",
        file: layer.place,
        ...position,
        path: showName(layer, name),
        ...problem,
      });
    } else if (isSettingName(name)) {
      settings[name] = SETTINGS[name].type === "path" ? toAbsolute(String(value), layer.base, home) : String(value);
    }
  }
  return { settings, findings };
}

function findProblem({ origin }: Layer, name: string, value: unknown): Problem | undefined {
  if (!isSettingName(name)) {
    const nearest = suggestName(name, SETTING_NAMES);
    const mend = nearest === undefined ? "see the settings there are: bulwark config view" : `did you mean ${nearest}?`;
    return { message: "is no setting", mend };
  }
  const spec: SettingSpec = SETTINGS[name];
  if (origin === "project file" && spec.notFromProject !== undefined) {
    const mend = `remove it, and set it for yourself: bulwark config set ${name} VALUE`;
    return { message: `cannot be set by a project: ${spec.notFromProject}`, mend };
  }
  if (typeof value !== "string" || value === "") return { message: "is no text", mend: `give ${spec.description}` };
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    return { message: `cannot be ${value}`, mend: `one of: ${spec.choices.join(", ")}` };
  }
  return undefined;
}

function toAbsolute(path: string, base: string, home: string): string {
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : resolve(base, path);
}
