// SPDX-License-Identifier: Apache-2.0
import type { TreeFlag as Flag, TreeNode as Node } from "../frame/tree.ts";

export type Shell = "bash" | "zsh" | "fish";

/** Seconds that listing runs may take while a user waits for a completion. */
const PATIENCE_S = 2;
const LIST_RUNS = "bulwark list -o name --quiet 2>/dev/null";

/** How the tree of commands becomes a script, by shell. */
export const SHELLS: Readonly<Record<Shell, (tree: readonly Node[]) => string>> = {
  bash: renderBash,
  zsh: renderZsh,
  fish: renderFish,
};

const nameOf = ({ path }: Node): string => path.join(" ");
const spell = ({ long, short }: Flag): string[] => (short === undefined ? [long] : [short, long]);
const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const withTimeout = (command: string): string => `timeout ${PATIENCE_S} ${command}`;

/** `"keys init") known=...` for every node; what stands there is used by bash and zsh alike. */
function renderCases(tree: readonly Node[]): string {
  return tree
    .map((node) => {
      const words = [...node.names, ...node.words].join(" ");
      const flags = node.flags.flatMap(spell).join(" ");
      return `    ${quote(nameOf(node))}) known=${quote(words)} flags=${quote(flags)} completes=${node.completes} ;;\n`;
    })
    .join("");
}

/** `-o) values=...` for every flag with a value; the same flag has the same values everywhere. */
function renderValues(tree: readonly Node[]): string {
  const flags = tree.flatMap((node) => node.flags).filter((flag) => flag.takesValue);
  const byName = new Map(flags.map((flag) => [flag.long, flag]));
  return [...byName.values()]
    .map((flag) => `    ${spell(flag).join("|")}) values=${quote(flag.choices.join(" "))} takes=1 ;;\n`)
    .join("");
}

/** The path of the command so far: words that go on from a node of the tree to another one. */
function renderWalk(tree: readonly Node[]): string {
  const paths = tree.filter(({ path }) => path.length > 0).map(nameOf);
  return `    case "\${at:+$at }$word" in ${paths.map(quote).join("|")}) at="\${at:+$at }$word" ;; esac\n`;
}

function renderBash(tree: readonly Node[]): string {
  return `# bash completion for bulwark; source it
_bulwark() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local at='' known='' flags='' completes=files values='' takes='' word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [ "$word" = -- ] && { compopt -o default; return; }
${renderWalk(tree)}  done
  case "$at" in
${renderCases(tree)}  esac
  case "$previous" in
${renderValues(tree)}  esac
  if [ -n "$takes" ]; then
    if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$current")); else compopt -o default; fi
    return
  fi
  case "$current" in -*) known=$flags completes=nothing ;; esac
  if [ "$completes" = runs ]; then known=$(${withTimeout(LIST_RUNS)}); fi
  COMPREPLY=($(compgen -W "$known" -- "$current"))
  if [ "$completes" = files ]; then compopt -o default; fi
}
complete -F _bulwark bulwark
`;
}

function renderZsh(tree: readonly Node[]): string {
  return `#compdef bulwark
# zsh completion for bulwark; put it into a folder of fpath as _bulwark, or source it
_bulwark() {
  local current=$words[CURRENT] previous=$words[CURRENT-1]
  local -a typed
  typed=("\${(@)words[2,CURRENT-1]}")
  local at='' known='' flags='' completes=files values='' takes='' word
  for word in "\${typed[@]}"; do
    [[ $word = -- ]] && { _files; return; }
${renderWalk(tree)}  done
  case "$at" in
${renderCases(tree)}  esac
  case "$previous" in
${renderValues(tree)}  esac
  if [[ -n $takes ]]; then
    if [[ -n $values ]]; then compadd -- \${=values}; else _files; fi
    return
  fi
  if [[ $current = -* ]]; then compadd -- \${=flags}; return; fi
  if [[ $completes = runs ]]; then known=$(${withTimeout(LIST_RUNS)}); fi
  if [[ -n $known ]]; then compadd -- \${=known}; fi
  if [[ $completes = files ]]; then _files; fi
}
if [[ $funcstack[1] = _bulwark ]]; then _bulwark "$@"; else compdef _bulwark bulwark; fi
`;
}

function renderFish(tree: readonly Node[]): string {
  const summaries = new Map(tree.map((node) => [nameOf(node), node.summary]));
  const lines = tree.flatMap((node) => {
    const condition = `-n ${quote(`__bulwark_at "${nameOf(node)}"`)}`;
    const start = `complete -c bulwark ${condition}`;
    const describe = (word: string): string => summaries.get([...node.path, word].join(" ")) ?? "";
    return [
      ...[...node.names, ...node.words].map((word) => `${start} -f -a ${quote(word)} -d ${quote(describe(word))}`),
      ...(node.completes === "files" ? [`${start} -F`] : [`${start} -f`]),
      ...(node.completes === "runs" ? [`${start} -f -a ${quote(`(${withTimeout(LIST_RUNS)})`)}`] : []),
      ...node.flags.map((flag) => `${start} ${renderFishFlag(flag)} -d ${quote(flag.description)}`),
    ];
  });
  return `# fish completion for bulwark
function __bulwark_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch (string trim -- "$at $word")
      case ${tree
        .filter(({ path }) => path.length > 0)
        .map((node) => quote(nameOf(node)))
        .join(" ")}
        set at (string trim -- "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join("\n")}
`;
}

function renderFishFlag({ long, short, takesValue, choices }: Flag): string {
  const names = [`-l ${long.slice(2)}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])];
  const values = choices.length > 0 ? ["-x", `-a ${quote(choices.join(" "))}`] : takesValue ? ["-r"] : [];
  return [...names, ...values].join(" ");
}
