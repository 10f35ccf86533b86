// SPDX-License-Identifier: Apache-2.0

const compiled = new Map<string, RegExp>();

/** A pattern with stars as a regular expression, without anchors. */
export function patternOf(pattern: string): string {
  return pattern
    .split("*")
    .map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/g, "\\$&"))
    .join(".*");
}

function toRegExp(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    expression = new RegExp(`^${patternOf(pattern)}$`, "is");
    compiled.set(pattern, expression);
  }
  return expression;
}

/** Whether a name fits one of the patterns; a star stands for any characters, capitals do not count. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => toRegExp(pattern).test(name));
}
