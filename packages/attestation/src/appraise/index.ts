// SPDX-License-Identifier: Apache-2.0
export { appraise } from "./appraise.ts";
export { type CompiledPolicy, compilePolicy } from "./compile.ts";
export { enforce } from "./enforce.ts";
export type { AttestationResult, EarStatus, ResultTee, RuleReport, TrustworthinessVector } from "./result.ts";
