// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BulwarkError, type Finding, suggestName } from "@bulwark/contracts";
import type { CommandSpec, Context, Result } from "../command.ts";
import { checkLayer, type ResolvedSetting, resolveSettings } from "../config/load.ts";
import { isSettingName, SETTINGS, type SettingName, toVariable } from "../config/settings.ts";
import { writeFileWhole } from "../runs/files.ts";

type Flags = Readonly<Record<string, unknown>>;

const SUBCOMMANDS: Readonly<
  Record<string, (context: Context, args: readonly string[], flags: Flags) => Promise<Result>>
> = {
  view: async (context, _args, flags) => view(await resolve(context), flags.showOrigin === true),
  get: async (context, [name = ""]) => {
    const setting = (await resolve(context)).find((candidate) => candidate.name === requireName(name));
    return { value: setting ?? null, text: setting?.value ?? "" };
  },
  set: async (context, [name = "", value = ""]) => setValue(context, requireName(name), value),
  path: async (context) => ({ value: userFile(context), text: userFile(context) }),
};

/** `bulwark config`: settings of the tool, and where each comes from. */
export const spec: CommandSpec = {
  examples: [
    "bulwark config view --show-origin",
    "bulwark config set javaHome /usr/lib/jvm/java-25",
    "bulwark config get cacheDir",
  ],
  configure(command) {
    command.command("view").description("all settings").option("--show-origin", "where each value comes from");
    command.command("get <name>").description("one setting");
    command.command("set <name> <value>").description("write a setting to your own file");
    command.command("path").description("your own file");
  },
  async execute(context, { path: [name = ""], args, flags }) {
    const subcommand = SUBCOMMANDS[name];
    if (subcommand === undefined)
      throw new BulwarkError("USAGE", "bulwark config needs a subcommand.", "bulwark config --help");
    return subcommand(context, args, flags);
  },
};

function userFile(context: Context): string {
  return join(context.paths.config, "config.yaml");
}

function resolve(context: Context): Promise<ResolvedSetting[]> {
  return resolveSettings(context.env, context.cwd, userFile(context));
}

function view(settings: readonly ResolvedSetting[], showOrigin: boolean): Result {
  return {
    value: settings,
    table: {
      rows: settings,
      name: (setting: ResolvedSetting) => setting.name,
      columns: [
        { heading: "setting", cell: (setting: ResolvedSetting) => setting.name },
        { heading: "value", cell: (setting: ResolvedSetting) => setting.value },
        { heading: "origin", wide: !showOrigin, cell: (setting: ResolvedSetting) => setting.origin },
        {
          heading: "place",
          wide: !showOrigin,
          cell: (setting: ResolvedSetting) =>
            setting.origin === "environment" ? toVariable(setting.name) : setting.place,
        },
      ],
    },
  };
}

function requireName(name: string): SettingName {
  if (isSettingName(name)) return name;
  const nearest = suggestName(name, Object.keys(SETTINGS));
  const mend = nearest === undefined ? "see them: bulwark config view" : `did you mean ${nearest}?`;
  throw new BulwarkError("CONFIG_INVALID", `There is no setting ${name}.`, mend);
}

async function setValue(context: Context, name: SettingName, value: string): Promise<Result> {
  const path = userFile(context);
  const findings: Finding[] = [];
  checkLayer({ [name]: value }, join(context.cwd, "command line"), false, findings);
  const [problem] = findings;
  if (problem !== undefined) throw new BulwarkError("CONFIG_INVALID", problem.message, problem.mend);
  const { parseDocument } = await import("yaml");
  const document = parseDocument(await readFile(path, "utf8").catch(() => ""));
  document.set(name, value);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileWhole(path, document.toString());
  return { value: { name, value, place: path }, text: `${name} is ${value} (${path})` };
}
