// SPDX-License-Identifier: Apache-2.0
import { type Issue, type Path, showPath } from "../document/issue.ts";
import { placeKey, type Tree } from "../document/tree.ts";

/** Flat names of the older chart, and where their values belong. */
export const RENAMED: Readonly<Record<string, Path>> = {
  driverCores: ["driver", "cores"],
  driverMem: ["driver", "memory"],
  executorCores: ["executor", "cores"],
  executorMem: ["executor", "memory"],
  executorInstances: ["executor", "instances"],
};

/** Names of the older chart that have no successor of the same meaning, and what to do instead. */
export const RETIRED: Readonly<Record<string, string>> = {
  sgx: "Remove it and set `trust.tee: sgx`",
  sgxLog: "Remove it: the image sets the log level of the enclave",
  sgxDriverMem: "Remove it: the size of the enclave follows from `driver.memory`",
  sgxDriverJvmMem: "Remove it and set `driver.memory`",
  sgxExecutorMem: "Remove it: the size of the enclave follows from `executor.memory`",
  sgxExecutorJvmMem: "Remove it and set `executor.memory`",
  kmsURL: "Remove it: keys are named under `data:`",
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Moves values under older names to the keys of today. Returns a warning for each, and a conflict where both are given.
 * Places keep the older name, so that a finding about the value speaks of what the file says.
 */
export function renameOldKeys(tree: Tree): { warnings: Issue[]; conflicts: Issue[] } {
  const warnings: Issue[] = [];
  const conflicts: Issue[] = [];
  const root = tree.value;
  for (const [old, path] of isObject(root) ? Object.entries(RENAMED) : []) {
    const [group = "", key = ""] = path;
    if (!isObject(root) || !Object.hasOwn(root, old)) continue;
    const today = showPath(path);
    const value = root[old];
    const place = tree.places.get(placeKey([old]));
    delete root[old];
    const target = root[group] ?? {};
    if (isObject(target) && Object.hasOwn(target, key)) {
      const message = `${old} and ${today} are the same setting, and both are given`;
      conflicts.push({ code: "JOB_CONFLICT", at: [old], message, mend: `Keep \`${today}\``, onKey: true });
    } else if (isObject(target)) {
      root[group] = { ...target, [key]: value };
      if (place !== undefined) tree.places.set(placeKey(path), place);
      const message = `${old} is an older name of ${today}`;
      warnings.push({ code: "JOB_KEY_RENAMED", at: [old], message, mend: `Write \`${today}\``, onKey: true });
    }
  }
  return { warnings, conflicts };
}
