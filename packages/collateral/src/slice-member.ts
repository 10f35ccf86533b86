// SPDX-License-Identifier: Apache-2.0

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
const NESTING: Readonly<Record<string, number>> = { "{": 1, "[": 1, "}": -1, "]": -1 };

/**
 * The text of one member of a JSON object, exactly as it stands there: what was signed must not be written anew.
 *
 * @param text JSON; the caller has parsed it once, so its form is right
 * @returns undefined when the object has no such member, or has it twice
 */
export function sliceMember(text: string, name: string): string | undefined {
  const found = listMembers(text).filter(({ key }) => key === JSON.stringify(name));
  return found.length === 1 ? found[0]?.value : undefined;
}

/** Members of the outermost object: key and value as they stand there. */
function listMembers(text: string): { key: string; value: string }[] {
  const members: { key: string; value: string }[] = [];
  let depth = 0;
  let last = "";
  let open: { key: string; from: number } | undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const isOutermost = depth === 1;
    depth += NESTING[token] ?? 0;
    if (isOutermost && token === ":") {
      open = { key: last, from: index + 1 };
    } else if (open !== undefined && isOutermost && (token === "," || token === "}")) {
      members.push({ key: open.key, value: text.slice(open.from, index).trim() });
      open = undefined;
    }
    last = token;
  }
  return members;
}
