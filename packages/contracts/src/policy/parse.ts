// SPDX-License-Identifier: Apache-2.0

import type { DocumentFormat } from "../document/format.ts";
import { HEX_BYTES } from "../document/forms.ts";
import { readDocument } from "../document/read.ts";
import { placeKey, type Tree } from "../document/tree.ts";
import { POLICY_KEYS } from "./generated/keys.ts";
import { validatePolicy } from "./generated/validate.js";
import { RULES } from "./rules.ts";
import type { Policy } from "./schema.ts";

const lastOf = (key: string): string => key.split(".").at(-1) ?? key;
const LISTS = new Set(POLICY_KEYS.filter(({ type }) => type === "list").map(({ key }) => lastOf(key)));
/** Keys whose values are digits and letters that YAML might take for numbers. */
const TEXTS = new Set([...LISTS, "name", "root"]);
const HEX = new Set(
  POLICY_KEYS.filter(({ type, items }) => HEX_BYTES[items?.type ?? type] !== undefined).map(({ key }) => lastOf(key)),
);

/** Lets one value stand for a list of one, and digests be written in capitals. */
function normalise(tree: Tree, node: unknown, path: readonly string[]): void {
  if (typeof node !== "object" || node === null || Array.isArray(node)) return;
  const fields = node as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    const at = [...path, key];
    if (typeof value === "object" && !Array.isArray(value)) normalise(tree, value, at);
    const isOne = LISTS.has(key) && typeof value === "string";
    if (isOne) {
      fields[key] = [value];
      const place = tree.places.get(placeKey(at));
      if (place !== undefined) tree.places.set(placeKey([...at, "0"]), place);
    }
    if (HEX.has(key)) fields[key] = toLower(fields[key]);
  }
}

const toLower = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(toLower) : typeof value === "string" ? value.toLowerCase() : value;

const TCB_RETIRED = "Remove it: no policy can accept it";

/** The appraisal policy among our documents. */
const POLICY_FORMAT: DocumentFormat<Policy> = {
  words: { one: "a policy", many: "policies", reference: "docs/reference/policy.md" },
  codes: {
    unreadable: "POLICY_FILE_UNREADABLE",
    syntax: "POLICY_FILE_SYNTAX",
    invalid: "POLICY_INVALID",
    keyUnknown: "POLICY_KEY_UNKNOWN",
    typeWrong: "POLICY_TYPE_WRONG",
    valueInvalid: "POLICY_VALUE_INVALID",
  },
  keys: POLICY_KEYS,
  validate: validatePolicy,
  rules: RULES,
  isTextPlace: (path) => TEXTS.has(path.at(-1) ?? "") || LISTS.has(path.at(-2) ?? ""),
  nameForms: { allow: "label", deny: "label" },
  synonyms: {
    mr_enclave: "mrenclave",
    mr_signer: "mrsigner",
    mr_td: "mrtd",
    prodId: "isvProdId",
    isv_svn: "isvSvnMinimum",
    isvSvn: "isvSvnMinimum",
    initData: "mrconfigid",
    init_data: "mrconfigid",
    launchMeasurement: "measurement",
    piid: "instanceId",
    ppid: "ppidHash",
  },
  retired: {
    debug: "Remove it: debug evidence is refused outside simulation, whatever a policy says",
    Revoked: TCB_RETIRED,
    revoked: TCB_RETIRED,
    UpToDate: "Remove it: UpToDate is accepted always",
  },
  mends: {
    start: "Write at least `name:` and a rule below `allow:`; docs/guide/attestation.md has examples",
    binary: "Name the YAML or JSON file with the policy",
    check: (file) => `bulwark policy check ${file}`,
  },
  prepare(tree) {
    normalise(tree, tree.value, []);
    return { warnings: [], conflicts: [] };
  },
};

/**
 * Reads an appraisal policy (YAML, JSON included), fills every default and checks it. The order of keys says nothing; a
 * key given twice is refused.
 *
 * @param input the file as bytes or text
 * @param options.file the name to show in findings
 * @returns the policy, deeply frozen, digests in small letters
 * @throws BulwarkError POLICY_FILE_UNREADABLE (no text, empty, larger than 1 MiB), POLICY_FILE_SYNTAX (no YAML, a key
 *   given twice), POLICY_INVALID with every finding by position
 */
export function parsePolicy(input: Uint8Array | string, options: { file: string }): Policy {
  return readDocument(POLICY_FORMAT, input, options).value;
}
