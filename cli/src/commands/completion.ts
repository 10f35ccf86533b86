// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts";
import type { CommandSpec } from "../command.ts";
import { createProgram, type LoadedCommand, loadCommand } from "../program.ts";

/** Words that can follow a command, and whether it takes the name of a run. */
type Words = { command: string; summary: string; words: string[]; takesRun: boolean };

/** Names of runs are asked for at completion time, and given up on after a second. */
const RUN_NAMES = "timeout 1 bulwark list -o name 2>/dev/null";

const SHELLS: Readonly<Record<string, (words: readonly Words[]) => string>> = {
  bash: (words) => `_bulwark() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then words="${words.map(({ command }) => command).join(" ")}"
  else case "\${COMP_WORDS[1]}" in
${words.map(({ command, words: own, takesRun }) => `    ${command}) words="${own.join(" ")}${takesRun ? ` $(${RUN_NAMES})` : ""}" ;;`).join("\n")}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _bulwark bulwark`,
  zsh: (words) => `#compdef bulwark
_bulwark() {
  local -a words_
  if (( CURRENT == 2 )); then words_=(${words.map(({ command }) => command).join(" ")})
  else case "$words[2]" in
${words.map(({ command, words: own, takesRun }) => `    ${command}) words_=(${own.join(" ")}${takesRun ? ` \${(f)"$(${RUN_NAMES})"}` : ""}) ;;`).join("\n")}
  esac; fi
  compadd -a words_ || _files
}
compdef _bulwark bulwark`,
  fish: (words) =>
    words
      .flatMap(({ command, summary, words: own, takesRun }) => [
        `complete -c bulwark -n __fish_use_subcommand -a ${command} -d '${summary}'`,
        `complete -c bulwark -n '__fish_seen_subcommand_from ${command}' -a '${own.join(" ")}${takesRun ? ` (${RUN_NAMES})` : ""}'`,
      ])
      .join("\n"),
};

/** `bulwark completion`: a script for the shell, made by walking the commands. */
export const spec: CommandSpec = {
  examples: ["source <(bulwark completion bash)", "bulwark completion fish | source"],
  configure(command) {
    command.argument("<shell>", Object.keys(SHELLS).join(", "));
  },
  async execute({ commands }, { args: [shell = ""] }) {
    const render = SHELLS[shell];
    if (render === undefined)
      throw new BulwarkError(
        "USAGE",
        `There is no completion for ${shell}.`,
        `one of: ${Object.keys(SHELLS).join(", ")}`,
      );
    const loaded = await Promise.all(Object.keys(commands).map((name) => loadCommand(commands, name)));
    return { text: render(loaded.map(collectWords)) };
  },
};

function collectWords(loaded: LoadedCommand): Words {
  const program = createProgram(loaded, () => undefined);
  const options = [program, ...program.commands].flatMap((part) => part.options.flatMap((option) => option.long ?? []));
  const takesRun = program.registeredArguments.some((argument) => argument.description.includes("id of a run"));
  return {
    command: loaded.name,
    summary: loaded.summary,
    words: [...new Set([...program.commands.map((sub) => sub.name()), ...options])],
    takesRun,
  };
}
