// SPDX-License-Identifier: Apache-2.0

/** A setting of the tool: what it may hold, what it is for, and whether a project may bring it. */
export type SettingSpec = {
  type: "path" | "choice" | "name";
  choices?: readonly string[];
  description: string;
  default?: string;
  /** Why a file that comes with a project must not set it. */
  notFromProject?: string;
};

const REDIRECTS = "a project that was only downloaded could redirect keys, data or programs with it";

/** Every setting, in the order they are shown. */
export const SETTINGS = {
  output: {
    type: "choice",
    choices: ["table", "wide", "name", "json", "yaml"],
    default: "table",
    description: "how results are printed",
  },
  color: {
    type: "choice",
    choices: ["auto", "never"],
    default: "auto",
    description: "whether a terminal gets colours",
  },
  keysDir: { type: "path", description: "folder of keys and certificates", notFromProject: REDIRECTS },
  runsDir: { type: "path", description: "folder of runs", notFromProject: REDIRECTS },
  cacheDir: { type: "path", description: "folder of Spark and class archives", notFromProject: REDIRECTS },
  sparkHome: { type: "path", description: "an installed Spark to use", notFromProject: REDIRECTS },
  javaHome: { type: "path", description: "the Java to use", notFromProject: REDIRECTS },
  target: {
    type: "choice",
    choices: ["machine", "cluster"],
    default: "machine",
    description: "what list, status, logs and the like are about without further flags",
  },
  namespace: { type: "name", description: "namespace in the cluster; that of the kubeconfig's context when not given" },
  context: {
    type: "name",
    description: "context of the kubeconfig; its current one when not given",
    notFromProject: REDIRECTS,
  },
  kubeconfig: {
    type: "path",
    description: "kubeconfig to use instead of KUBECONFIG and ~/.kube/config",
    notFromProject: REDIRECTS,
  },
  helm: { type: "path", description: "the Helm to use; the one in PATH when not given", notFromProject: REDIRECTS },
} as const satisfies Record<string, SettingSpec>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { [Name in SettingName]?: string };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** Where a value came from, the strongest first. */
export type Origin = "flag" | "environment" | "project file" | "user file" | "default";

export const DEFAULTS: Settings = Object.fromEntries(
  Object.entries<SettingSpec>(SETTINGS).flatMap(([name, spec]) =>
    spec.default === undefined ? [] : [[name, spec.default]],
  ),
);

/** Environment variable of a setting: `keysDir` -> `BULWARK_KEYS_DIR`. */
export function toVariable(name: SettingName): string {
  return `BULWARK_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}
