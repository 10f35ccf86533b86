// SPDX-License-Identifier: Apache-2.0

const compiled = new Map<string, RegExp>();

function toRegExp(pattern: string): RegExp {
  let expression = compiled.get(pattern);
  if (expression === undefined) {
    const parts = pattern.split("*").map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/g, "\\$&"));
    expression = new RegExp(`^${parts.join(".*")}$`, "is");
    compiled.set(pattern, expression);
  }
  return expression;
}

/** Whether a name fits one of the patterns; a star stands for any characters, capitals do not count. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => toRegExp(pattern).test(name));
}
