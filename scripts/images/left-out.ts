// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { IMAGES } from "./folders.ts";

/** Jars that are left out for one reason. */
export type Group = { name: string; reason: string; patterns: readonly string[] };

/** What the jars of processors other than this one's have in their names. */
const OTHER_PROCESSOR = process.arch === "arm64" ? "x86_64" : "aarch_64";

/**
 * Reads images/spark/left-out.txt.
 *
 * @param keep names of groups to leave in the image
 * @throws Error for a line that belongs to no group, or a name that is none
 */
export async function readLeftOut(keep: readonly string[] = []): Promise<Group[]> {
  const groups = parseLeftOut(await readFile(join(IMAGES, "spark/left-out.txt"), "utf8"));
  const unknown = keep.find((name) => !groups.some((group) => group.name === name));
  if (unknown !== undefined) {
    throw new Error(`There is no group ${unknown}; there are ${groups.map(({ name }) => name).join(", ")}.`);
  }
  return groups.filter(({ name }) => !keep.includes(name));
}

/** Lines `[group] reason`, each followed by names with `*`; # begins a comment. */
export function parseLeftOut(text: string): Group[] {
  const groups: { name: string; reason: string; patterns: string[] }[] = [];
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const head = /^\[(\w+)\]\s+(.+)$/.exec(line);
    if (head?.[1] !== undefined && head[2] !== undefined) {
      groups.push({ name: head[1], reason: head[2], patterns: [] });
    } else {
      const group = groups.at(-1);
      if (group === undefined) throw new Error(`"${line}" stands before the first group.`);
      group.patterns.push(line.replace("{other-arch}", OTHER_PROCESSOR));
    }
  }
  return groups;
}

/** Whether a jar is left out. */
export function isLeftOut(name: string, groups: readonly Group[]): boolean {
  return groups.some(({ patterns }) => patterns.some((pattern) => matches(name, pattern)));
}

/** `*` stands for anything, a pattern without it for a whole name. */
export function matches(name: string, pattern: string): boolean {
  const source = pattern.split("*").map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`).test(name);
}
