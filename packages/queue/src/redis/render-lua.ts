// SPDX-License-Identifier: Apache-2.0

const SUFFIX = ".lua";

/** The text of `generated/lua.ts`: the Lua files by name, so that a bundle has them and nothing reads files. */
export function renderLua(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files)
    .filter(([name]) => name.endsWith(SUFFIX))
    .map(([name, text]) => `  ${JSON.stringify(name.slice(0, -SUFFIX.length))}: ${JSON.stringify(text)},\n`);
  return `// SPDX-License-Identifier: Apache-2.0
// Written by \`npm run generate\` from ../lua/. Do not edit.

export const LUA = {
${entries.join("")}} as const;
`;
}
