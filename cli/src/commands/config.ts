// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { Argument } from "commander";
import type { CommandSpec, Context, Result } from "../command.ts";
import { type ResolvedSetting, resolveSettings } from "../config/load.ts";
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from "../config/settings.ts";
import { userFileOf } from "../context.ts";
import { findHome } from "../paths.ts";

type Call = Parameters<CommandSpec["execute"]>[1];
type Row = { name: SettingName; value?: string; origin?: ResolvedSetting["origin"]; place?: string };

const ACTIONS: Readonly<Record<string, (context: Context, call: Call) => Promise<Result>>> = {
  view,
  get,
  set: (context, { args: [name = "", value] }) => write(context, name, value),
  unset: (context, { args: [name = ""] }) => write(context, name, undefined),
  path: async (context) => ({ value: { file: userFileOf(context.paths) }, text: userFileOf(context.paths) }),
};

/** `bulwark config`: settings, where each comes from, and how to change them. */
export const spec: CommandSpec = {
  examples: [
    "bulwark config view --show-origin",
    "bulwark config get output",
    "bulwark config set javaHome /usr/lib/jvm/java-21",
    "bulwark config unset javaHome",
    "bulwark config path",
  ],
  configure(command) {
    const name = (): Argument => new Argument("<name>", "name of the setting").choices(SETTING_NAMES);
    command.command("view").description("show all settings").option("--show-origin", "say where each value comes from");
    command.command("get").description("print one value").addArgument(name());
    command
      .command("set")
      .description("write one setting into your own file")
      .addArgument(name())
      .argument("<value>", "its value");
    command.command("unset").description("take one setting out of your own file").addArgument(name());
    command.command("path").description("print where your own file is");
  },
  async execute(context, call) {
    const action = ACTIONS[call.path[0] ?? ""];
    if (action === undefined) throw new BulwarkError("USAGE", "Say what to do.", "bulwark config view");
    return action(context, call);
  },
};

async function view(context: Context, { flags }: Call): Promise<Result> {
  const rows = await resolve(context);
  const wide = flags.showOrigin !== true;
  return {
    value: { apiVersion: "bulwark/v1", items: rows },
    table: {
      rows,
      columns: [
        { heading: "name", cell: (row: Row) => row.name },
        { heading: "value", cell: (row: Row) => row.value ?? "(found by itself)" },
        { heading: "origin", cell: (row: Row) => row.origin ?? "", wide },
        { heading: "from", cell: (row: Row) => row.place ?? "", wide },
        { heading: "what it is", cell: (row: Row) => SETTINGS[row.name].description, wide: true },
      ],
      name: (row: Row) => row.name,
    },
  };
}

async function get(context: Context, { args: [name] }: Call): Promise<Result> {
  const found = (await resolve(context)).find((setting) => setting.name === name);
  return { value: found, ...(found?.value === undefined ? {} : { text: found.value }) };
}

async function write(context: Context, name: string, value: string | undefined): Promise<Result> {
  const { writeSetting } = await import("../config/write.ts");
  const file = userFileOf(context.paths);
  await writeSetting(file, { name, value, cwd: context.cwd, home: findHome(context.env) });
  context.progress.note(`${value === undefined ? "Removed from" : "Written to"} ${file}`);
  return { value: { file, name, ...(value === undefined ? {} : { value }) } };
}

/** Every setting as it is: flags of this call on top, folders of the XDG rules below. */
async function resolve({ env, cwd, paths, settings }: Context): Promise<Row[]> {
  const resolved = await resolveSettings({ env, cwd, home: findHome(env), userFile: userFileOf(paths) });
  const folders: Settings = { keysDir: paths.keys, runsDir: paths.runs, cacheDir: paths.cache };
  return SETTING_NAMES.map((name) => {
    const found = resolved.find((setting) => setting.name === name);
    const value = settings[name];
    if (value !== undefined && value !== found?.value) return { name, value, origin: "flag", place: "command line" };
    if (found !== undefined) return found;
    return folders[name] === undefined ? { name } : { name, value: folders[name], origin: "default", place: "default" };
  });
}
