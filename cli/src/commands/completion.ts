// SPDX-License-Identifier: Apache-2.0
import { Argument } from "commander";
import type { CommandSpec } from "../command.ts";
import { readTree } from "../frame/tree.ts";
import { SHELLS, type Shell } from "../output/completion.ts";

/** `bulwark completion`: a script for a shell, made from the commands there are. */
export const spec: CommandSpec = {
  examples: [
    "source <(bulwark completion bash)",
    "bulwark completion zsh > ~/.zfunc/_bulwark",
    "bulwark completion fish > ~/.config/fish/completions/bulwark.fish",
  ],
  configure(command) {
    command.addArgument(new Argument("<shell>", "the shell").choices(Object.keys(SHELLS)));
  },
  async execute({ commands }, { args: [shell] }) {
    const script = SHELLS[shell as Shell](await readTree(commands));
    return { value: { shell, script }, text: script };
  },
};
