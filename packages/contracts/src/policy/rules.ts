// SPDX-License-Identifier: Apache-2.0
import type { Rule } from "../document/format.ts";
import type { Issue, Path } from "../document/issue.ts";
import { TEE_OF } from "./conditions.ts";
import type { Conditions, Policy } from "./schema.ts";

const conflict = (at: Path, message: string, mend: string): Issue => ({ code: "POLICY_CONFLICT", at, message, mend });
const when = (wrong: boolean, issue: () => Issue): Issue[] => (wrong ? [issue()] : []);

/** Every rule of the policy with its place. */
const listRules = (policy: Policy) =>
  (["allow", "deny"] as const).flatMap((kind) =>
    Object.entries(policy[kind]).map(([name, rule]) => ({ kind, at: [kind, name], shown: `${kind}.${name}`, rule })),
  );

/** What makes a rule say which code may run; without one of them, any code would fit. */
const IDENTITIES: readonly (keyof Conditions)[] = ["mrenclave", "mrsigner", "mrtd", "measurement"];

/** The kinds of TEE that a rule's conditions belong to, with one condition of each. */
function listKinds(rule: Conditions): Map<string, string> {
  const kinds = new Map<string, string>(rule.tee === undefined ? [] : [[rule.tee, "tee"]]);
  for (const name of Object.keys(rule) as (keyof Conditions)[]) {
    const kind = TEE_OF[name];
    if (kind !== undefined && !kinds.has(kind)) kinds.set(kind, name);
  }
  return kinds;
}

/** The day of a date that the calendar has; undefined for one such as 2026-02-30. */
const isDay = (text: string): boolean => {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};

/** Rules over a policy whose single values are right: what can never fit, or would always. */
export const RULES: Readonly<Record<string, Rule<Policy>>> = {
  allowNamesCode: {
    about: [],
    check: (policy) =>
      Object.entries(policy.allow).flatMap(([name, rule]) =>
        when(!IDENTITIES.some((key) => rule[key] !== undefined), () =>
          conflict(
            ["allow", name],
            `allow.${name} names no measurement of code, so any code in a genuine TEE would fit`,
            "Add `mrenclave`, `mrsigner` with `isvProdId`, `mrtd` or `measurement`; bulwark attest show prints them",
          ),
        ),
      ),
  },
  signerNeedsProduct: {
    about: [],
    check: (policy) =>
      Object.entries(policy.allow).flatMap(([name, { mrsigner, mrenclave, isvProdId }]) =>
        when(mrsigner !== undefined && mrenclave === undefined && isvProdId === undefined, () =>
          conflict(
            ["allow", name],
            `allow.${name} would accept everything that this signer ever signed`,
            "Add `isvProdId`, and `isvSvnMinimum` to keep old builds out",
          ),
        ),
      ),
  },
  snpNeedsMinimum: {
    about: ["tcb.snpMinimum"],
    check: ({ allow, tcb: { snpMinimum } }) =>
      Object.entries(allow).flatMap(([name, rule]) =>
        when(listKinds(rule).has("sev-snp") && Object.keys(snpMinimum).length === 0, () =>
          conflict(
            ["allow", name],
            `allow.${name} is for SEV-SNP, and AMD gives no status, so any firmware, however old, would do`,
            "Add the lowest versions: `tcb: {snpMinimum: {snp: 24, microcode: 217}}`; bulwark attest verify prints them",
          ),
        ),
      ),
  },
  denyNamesSomething: {
    about: [],
    check: (policy) =>
      Object.entries(policy.deny).flatMap(([name, rule]) =>
        when(Object.keys(rule).length === 0, () =>
          conflict(["deny", name], `deny.${name} names nothing, so it would refuse everything`, "Name what to deny"),
        ),
      ),
  },
  oneTee: {
    about: [],
    check: (policy) =>
      listRules(policy).flatMap(({ at, shown, rule }) => {
        const [first, second] = [...listKinds(rule)];
        return when(second !== undefined, () =>
          conflict(
            [...at, second?.[1] ?? ""],
            `${shown} names ${first?.[1]} of ${first?.[0]} and ${second?.[1]} of ${second?.[0]}; no evidence has both`,
            "Make two rules of it",
          ),
        );
      }),
  },
  noEmptyList: {
    about: [],
    check: (policy) =>
      listRules(policy).flatMap(({ at, shown, rule }) =>
        Object.entries(rule)
          .filter(([, value]) => Array.isArray(value) && value.length === 0)
          .map(([key]) =>
            conflict(
              [...at, key],
              `${shown}.${key} lists nothing, so nothing can fit`,
              "Name a value, or remove the key",
            ),
          ),
      ),
  },
  svnRange: {
    about: [],
    check: (policy) =>
      listRules(policy).flatMap(
        ({ at, shown, rule: { isvSvnMinimum = 0, isvSvnMaximum = Number.POSITIVE_INFINITY } }) =>
          when(isvSvnMinimum > isvSvnMaximum, () =>
            conflict(
              [...at, "isvSvnMaximum"],
              `${shown} asks for a security version of at least ${isvSvnMinimum} and at most ${isvSvnMaximum}`,
              "Lower `isvSvnMinimum` or raise `isvSvnMaximum`",
            ),
          ),
      ),
  },
  advisoriesAgree: {
    about: ["tcb.advisories"],
    check: ({ tcb: { advisories } }) =>
      (advisories.deny ?? []).flatMap((id, index) =>
        when(advisories.allow?.includes(id) === true, () =>
          conflict(
            ["tcb", "advisories", "deny", String(index)],
            `${id} is both allowed and denied; denying wins`,
            "Keep it in one of the lists",
          ),
        ),
      ),
  },
  daysExist: {
    about: ["tcb.accept"],
    check: ({ tcb: { accept } }) =>
      Object.entries(accept).flatMap(([status, until]) =>
        when(until !== "always" && !isDay(until), (): Issue => {
          const at = ["tcb", "accept", status];
          const message = `tcb.accept.${status} is ${until}, a day that no calendar has`;
          return { code: "POLICY_VALUE_INVALID", at, message, mend: "Write a day such as 2026-12-31" };
        }),
      ),
  },
};
