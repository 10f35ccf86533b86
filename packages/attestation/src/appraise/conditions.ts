// SPDX-License-Identifier: Apache-2.0
import type { Conditions } from "@bulwark/contracts/policy";
import type { Verdict } from "../verdict.ts";
import type { CompiledCondition, CompiledRule } from "./compile.ts";
import { isOneOf } from "./digest.ts";
import type { RuleReport } from "./result.ts";

type Value = string | number | null | undefined;

const sgx =
  (key: keyof (Verdict & { tee: "sgx" })["measurements"]) =>
  (verdict: Verdict): Value =>
    verdict.tee === "sgx" ? verdict.measurements[key] : undefined;
const tdx =
  (key: keyof (Verdict & { tee: "tdx" })["measurements"]) =>
  (verdict: Verdict): Value =>
    verdict.tee === "tdx" ? verdict.measurements[key] : undefined;
const snp =
  (key: keyof (Verdict & { tee: "sev-snp" })["measurements"]) =>
  (verdict: Verdict): Value =>
    verdict.tee === "sev-snp" ? verdict.measurements[key] : undefined;

/** What evidence says of each condition; nothing where its kind of TEE has no such thing. */
const VALUES: Readonly<Record<keyof Conditions, (verdict: Verdict) => Value>> = {
  tee: ({ tee }) => tee,
  mrenclave: sgx("mrenclave"),
  mrsigner: sgx("mrsigner"),
  isvProdId: sgx("isvProdId"),
  isvSvnMinimum: sgx("isvSvn"),
  isvSvnMaximum: sgx("isvSvn"),
  configId: sgx("configId"),
  mrtd: tdx("mrtd"),
  rtmr0: tdx("rtmr0"),
  rtmr1: tdx("rtmr1"),
  rtmr2: tdx("rtmr2"),
  rtmr3: tdx("rtmr3"),
  mrconfigid: tdx("mrconfigid"),
  mrowner: tdx("mrowner"),
  mrownerconfig: tdx("mrownerconfig"),
  mrservicetd: tdx("mrservicetd"),
  mrseam: tdx("mrseam"),
  measurement: snp("measurement"),
  hostData: snp("hostData"),
  idKeyDigest: snp("idKeyDigest"),
  chipId: snp("chipId"),
  reportData: ({ reportData }) => reportData,
  fmspc: ({ fmspc }) => fmspc,
  ppidHash: (verdict) => (verdict.tee === "sev-snp" ? undefined : verdict.platform.ppidHash),
  instanceId: (verdict) => (verdict.tee === "sev-snp" ? undefined : verdict.platform.piid),
};

const DIGITS_SHOWN = 16;
const shorten = (hex: string): string => (hex.length > DIGITS_SHOWN ? `${hex.slice(0, DIGITS_SHOWN)}...` : hex);

/** Bounds are compared as such, all other numbers for equality. */
const COMPARE: Readonly<Record<string, (actual: number, wanted: number) => boolean>> = {
  isvSvnMinimum: (actual, wanted) => actual >= wanted,
  isvSvnMaximum: (actual, wanted) => actual <= wanted,
};
const isEqual = (actual: number, wanted: number): boolean => actual === wanted;
const WORDS: Readonly<Record<string, string>> = { isvSvnMinimum: "at least ", isvSvnMaximum: "at most " };

/** Why a condition does not fit, or nothing. */
export function findMiss(condition: CompiledCondition, verdict: Verdict): string | undefined {
  const { key, type } = condition;
  const actual = VALUES[key](verdict) ?? undefined;
  if (actual === undefined) return `${key} is no part of this ${verdict.tee} evidence`;
  const miss = (wanted: string): string => `${key} is ${shorten(String(actual))}, the rule wants ${wanted}`;
  switch (type) {
    case "digests": {
      const [first] = condition.wanted;
      const more = condition.wanted.length > 1 ? ` or one of ${condition.wanted.length - 1} more` : "";
      return isOneOf(String(actual), condition.wanted)
        ? undefined
        : miss(`${shorten(first?.toString("hex") ?? "")}${more}`);
    }
    case "number": {
      const compare = COMPARE[key] ?? isEqual;
      return compare(Number(actual), condition.wanted) ? undefined : miss(`${WORDS[key] ?? ""}${condition.wanted}`);
    }
    case "text":
      return actual === condition.wanted ? undefined : miss(condition.wanted);
  }
}

/** How one rule fares: all of its conditions must fit, and it must have some. */
export function reportRule({ kind, name, conditions }: CompiledRule, verdict: Verdict): RuleReport {
  const misses = conditions.map((condition) => findMiss(condition, verdict)).filter((miss) => miss !== undefined);
  return { kind, name, fits: conditions.length > 0 && misses.length === 0, misses };
}

/** What made a rule fit, for people: its conditions with the values of the evidence. */
export const describeFit = ({ conditions }: CompiledRule, verdict: Verdict): string =>
  conditions.map(({ key }) => `${key} ${shorten(String(VALUES[key](verdict)))}`).join(", ");
