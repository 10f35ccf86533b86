// SPDX-License-Identifier: Apache-2.0
import { type Issue, type Path, showPath } from "../document/issue.ts";
import { placeKey, type Tree } from "../document/tree.ts";

/**
 * Flat names of the older chart, and where their values belong. In this order: with SGX, the heap inside the enclave
 * counts and not the one outside.
 */
export const RENAMED: Readonly<Record<string, Path>> = {
  driverCores: ["driver", "cores"],
  driverMem: ["driver", "memory"],
  executorCores: ["executor", "cores"],
  executorInstances: ["executor", "instances"],
  executorMem: ["executor", "memory"],
  sgx: ["trust", "tee"],
  sgxDriverJvmMem: ["driver", "memory"],
  sgxDriverMem: ["driver", "enclave"],
  sgxExecutorJvmMem: ["executor", "memory"],
  sgxExecutorMem: ["executor", "enclave"],
  sgxLog: ["trust", "sgxLog"],
};

/** Values that mean something else under the key of today. */
const TRANSLATED: Readonly<Record<string, (value: unknown) => unknown>> = {
  sgx: (value) => (typeof value === "boolean" ? (value ? "sgx" : "none") : value),
};

/** Names of the older chart that have no successor of the same meaning, and what to do instead. */
export const RETIRED: Readonly<Record<string, string>> = {
  kmsURL: "Remove it: keys are named under `data:`",
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Without SGX, the older chart did not look at the sizes of enclaves. */
const saysNothing = (old: string, root: Record<string, unknown>): boolean =>
  root.sgx === false && old.startsWith("sgx") && old !== "sgx";

/**
 * Moves values under older names to the keys of today. Returns a warning for each, and a conflict where both are given.
 * Places keep the older name, so that a finding about the value speaks of what the file says.
 */
export function renameOldKeys(tree: Tree): { warnings: Issue[]; conflicts: Issue[] } {
  const warnings: Issue[] = [];
  const conflicts: Issue[] = [];
  const root = tree.value;
  if (!isObject(root)) return { warnings, conflicts };
  const moved = new Set<string>();
  const given = Object.entries(RENAMED).filter(([old]) => Object.hasOwn(root, old));
  const idle = given.filter(([old]) => saysNothing(old, root)).map(([old]) => old);
  for (const [old, path] of given) {
    const [group = "", key = ""] = path;
    const today = showPath(path);
    const value = root[old];
    const place = tree.places.get(placeKey([old]));
    delete root[old];
    const target = root[group] ?? {};
    if (idle.includes(old)) {
      const message = `${old} has no meaning with \`sgx: false\``;
      warnings.push({ code: "JOB_KEY_RENAMED", at: [old], message, mend: "Remove it", onKey: true });
    } else if (isObject(target) && Object.hasOwn(target, key) && !moved.has(today)) {
      const message = `${old} and ${today} are the same setting, and both are given`;
      conflicts.push({ code: "JOB_CONFLICT", at: [old], message, mend: `Keep \`${today}\``, onKey: true });
    } else if (isObject(target)) {
      root[group] = { ...target, [key]: TRANSLATED[old]?.(value) ?? value };
      moved.add(today);
      if (place !== undefined) tree.places.set(placeKey(path), place);
      const message = `${old} is an older name of ${today}`;
      warnings.push({ code: "JOB_KEY_RENAMED", at: [old], message, mend: `Write \`${today}\``, onKey: true });
    }
  }
  return { warnings, conflicts };
}
