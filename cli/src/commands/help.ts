// SPDX-License-Identifier: Apache-2.0
import { EXIT, EXIT_MEANING, type ExitName } from "@bulwark/contracts";
import type { CommandSpec } from "../command.ts";
import { renderOverview } from "../output/overview.ts";
import { loadCommand, parseCall } from "../program.ts";

/** `bulwark help [COMMAND]`, `bulwark help exit-codes`. */
export const spec: CommandSpec = {
  examples: ["bulwark help run", "bulwark help exit-codes"],
  configure(command) {
    command.argument("[topic]", "a command, or exit-codes");
  },
  async execute({ commands }, { args: [topic] }) {
    if (topic === undefined) return { text: renderOverview(commands, (_format, text) => text).trimEnd() };
    if (topic === "exit-codes") {
      const rows = (Object.keys(EXIT) as ExitName[]).map((name) => ({ code: EXIT[name], meaning: EXIT_MEANING[name] }));
      return {
        value: rows,
        text: rows.map(({ code, meaning }) => `${String(code).padStart(4)}  ${meaning}`).join("\n"),
      };
    }
    const page = parseCall(await loadCommand(commands, topic), ["--help"]);
    return { text: "help" in page ? page.help.trimEnd() : "" };
  },
};
