// SPDX-License-Identifier: Apache-2.0
import { explainError, pathOf } from "../document/explain.ts";
import type { SchemaError } from "../document/format.ts";
import { type Issue, showPath } from "../document/issue.ts";
import { GATEWAY_KEYS } from "./generated/keys.ts";
import { validateGatewaySettings } from "./generated/validate.js";

const VOCABULARY = {
  words: { one: "the gateway's settings", many: "the gateway's settings", reference: "docs/guide/serving.md" },
  codes: {
    unreadable: "SERVING_CONFIG",
    syntax: "SERVING_CONFIG",
    invalid: "SERVING_CONFIG",
    keyUnknown: "SERVING_CONFIG",
    typeWrong: "SERVING_CONFIG",
    valueInvalid: "SERVING_CONFIG",
  },
  keys: GATEWAY_KEYS,
  nameForms: {},
  synonyms: {},
  retired: {},
} as const;

/** A value with several forms fits none of them: what each form says of it helps nobody. */
function explain(error: SchemaError, settings: unknown): Issue {
  const at = pathOf(error);
  if (error.keyword !== "anyOf") return explainError(error, settings, showPath, VOCABULARY);
  const key = `modelSettings.NAME.${at.slice(2).join(".")}`;
  const mend = GATEWAY_KEYS.find((one) => one.key === key)?.description ?? "";
  return { code: "SERVING_CONFIG", at, message: `${showPath(at)} has none of its forms`, mend };
}

/** Fills defaults into settings of the gateway, and gives everything that is wrong with them, by path. */
export function checkGatewaySettings(settings: Readonly<Record<string, unknown>>): Issue[] {
  if (validateGatewaySettings(settings)) return [];
  const errors = validateGatewaySettings.errors ?? [];
  const formless = errors.filter(({ keyword }) => keyword === "anyOf").map(({ instancePath }) => instancePath);
  const isTold = ({ keyword, instancePath }: SchemaError): boolean =>
    keyword === "anyOf" || !formless.some((path) => `${instancePath}/`.startsWith(`${path}/`));
  const issues = errors.filter(isTold).map((error) => explain(error, settings));
  return [...new Map(issues.map((issue) => [`${showPath(issue.at)} ${issue.message}`, issue])).values()];
}
