// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import type { Conditions, Policy } from "@bulwark/contracts/policy";

/** One rule with its conditions ready to be compared. */
export type CompiledRule = { kind: "allow" | "deny"; name: string; conditions: readonly CompiledCondition[] };

/** A condition: digests as bytes, numbers as they are. */
export type CompiledCondition =
  | { key: keyof Conditions; type: "digests"; wanted: readonly Buffer[] }
  | { key: keyof Conditions; type: "number"; wanted: number }
  | { key: keyof Conditions; type: "text"; wanted: string };

/** A policy made ready once, so that appraising parses and hashes nothing. */
export type CompiledPolicy = {
  policy: Policy;
  /** SHA-256 over the policy with its keys in order: two files that say the same have the same. */
  sha256: string;
  rules: readonly CompiledRule[];
  platforms: readonly Buffer[];
  xfam: readonly Buffer[];
  /** First instant at which a status is no longer accepted; infinite for `always`. */
  acceptedUntil: ReadonlyMap<string, number>;
  advisoriesAllowed: ReadonlySet<string> | undefined;
  advisoriesDenied: ReadonlySet<string>;
};

const DAY_MS = 86_400_000;

const toBytes = (digests: readonly string[] = []): Buffer[] => digests.map((digest) => Buffer.from(digest, "hex"));

function compileCondition(key: keyof Conditions, value: NonNullable<Conditions[keyof Conditions]>): CompiledCondition {
  if (typeof value === "number") return { key, type: "number", wanted: value };
  return typeof value === "string"
    ? { key, type: "text", wanted: value }
    : { key, type: "digests", wanted: toBytes(value) };
}

const compileRules = (policy: Policy, kind: "allow" | "deny"): CompiledRule[] =>
  Object.entries(policy[kind]).map(([name, rule]) => ({
    kind,
    name,
    conditions: Object.entries(rule).map(([key, value]) => compileCondition(key as keyof Conditions, value)),
  }));

/** JSON with the keys of every map in order (RFC 8785, for the values that policies have). */
function toCanonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toCanonicalJson).join(",")}]`;
  const fields = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .toSorted(([one], [two]) => (one < two ? -1 : 1));
  return `{${fields.map(([key, inner]) => `${JSON.stringify(key)}:${toCanonicalJson(inner)}`).join(",")}}`;
}

/** Makes a policy ready for `appraise`. Do it once, when the policy is read. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const { accept, advisories } = policy.tcb;
  const { ppidHash, instanceId, chipId } = policy.platforms;
  return {
    policy,
    sha256: createHash("sha256").update(toCanonicalJson(policy)).digest("hex"),
    rules: [...compileRules(policy, "deny"), ...compileRules(policy, "allow")],
    platforms: [ppidHash, instanceId, chipId].flatMap(toBytes),
    xfam: toBytes(policy.attributes.xfam),
    acceptedUntil: new Map(
      Object.entries(accept).map(([status, until]) => [
        status,
        until === "always" ? Number.POSITIVE_INFINITY : Date.parse(`${until}T00:00:00Z`) + DAY_MS,
      ]),
    ),
    advisoriesAllowed: advisories.allow === undefined ? undefined : new Set(advisories.allow),
    advisoriesDenied: new Set(advisories.deny),
  };
}
