// SPDX-License-Identifier: Apache-2.0
import type { AttestationResult, Verdict } from "@bulwark/attestation";
import { BulwarkError, EXIT, toExitCode } from "@bulwark/contracts/errors";
import { toErrorDocument } from "../../output/error.ts";
import { type Action, readText } from "./action.ts";
import { addJudgeFlags, type Judged, judge } from "./judge.ts";
import { listMeasurements, presentRows, type Row } from "./rows.ts";

export const verify: Action = {
  description: "verify a quote or report, and appraise it by a policy; exit code 6 when it is refused",
  configure(command) {
    command.argument("<file>", "quote or report: bytes, base64 or hex; - is standard input");
    addJudgeFlags(command.option("--policy <file>", "appraise by this policy; without it, verify only"));
  },
  async execute(context, { args, flags }) {
    const isDocument = flags.output === "json" || flags.output === "yaml";
    try {
      const judged = await judge(context, args[0] ?? "", { policy: readText(flags.policy), flags });
      const { result } = judged;
      if (result?.outcome === "refused" && !isDocument) throw await toRefusal(result);
      return presentJudged(judged);
    } catch (error) {
      // A document says what a verdict says, with the same keys, when the evidence is to blame.
      if (!isDocument || toExitCode(error) !== EXIT.refused || !(error instanceof BulwarkError)) throw error;
      return { value: toRejection(error), exitCode: EXIT.refused };
    }
  },
};

/** The error of a refusal, with every reason. */
async function toRefusal(result: AttestationResult): Promise<unknown> {
  const { enforce } = await import("@bulwark/attestation");
  try {
    return enforce(result);
  } catch (error) {
    return error;
  }
}

/** A verification that refused, with the keys of a verdict as far as there are any, and the error as always. */
const toRejection = (error: BulwarkError) => ({
  outcome: "reject",
  rejectReason: error.message,
  rejectReasons: error.findings.length > 0 ? error.findings.map(({ message }) => message) : [error.message],
  ...toErrorDocument(error),
});

const without = <Value extends object>(value: Value, key: keyof Value) =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

/** A verdict with the keys that test vectors use, and what the policy says. */
const toDocument = ({ verdict, result, encoding }: Judged) => ({
  outcome: "verdict",
  rejectReason: null,
  rejectReasons: [],
  ...verdict,
  encoding,
  appraisal: result === null ? null : without(result, "verdict"),
});

function listPlatform(verdict: Verdict): Row[] {
  if (verdict.tee === "sev-snp") {
    const { tcb, product, endorsementKeyKind, revocationChecked } = verdict;
    const parts = Object.entries(tcb).filter(([, svn]) => svn !== null);
    return [
      ["platform", `AMD ${product}, ${endorsementKeyKind.toUpperCase()}`],
      ["TCB", parts.map(([part, svn]) => `${part} ${svn}`).join(", ")],
      ["revocation", revocationChecked ? "checked" : "not checked: no CRL of AMD was given"],
    ];
  }
  const { tcbStatus, platformTcbStatus, qeTcbStatus, moduleTcbStatus, advisoryIds, platform } = verdict;
  const parts = [
    `platform ${platformTcbStatus}`,
    `quoting enclave ${qeTcbStatus}`,
    ...(moduleTcbStatus === null ? [] : [`TDX module ${moduleTcbStatus}`]),
  ];
  return [
    ["TCB status", `${tcbStatus} (${parts.join(", ")})`],
    ["advisories", advisoryIds.join(", ") || "none"],
    ["TCB date", `${verdict.tcbDate.slice(0, 10)}, evaluation number ${verdict.tcbEvaluationDataNumber}`],
    ["platform", `FMSPC ${verdict.fmspc}, ${verdict.pckCa} CA`],
    ["PPID hash", platform.ppidHash],
    ["instance id", platform.piid ?? "none"],
  ];
}

function listOutcome({ verdict, result }: Judged): Row[] {
  if (result === null)
    return [
      ["result", "verified; no policy was given, so nothing says whether this is enough"],
      ...(verdict.simulated ? [["concern", "simulated: nothing here is protected by hardware"] as const] : []),
    ];
  const { policy, decision, earStatus, concerns, outcome, validUntil } = result;
  return [
    ["result", `${outcome} by policy "${policy.name}"`],
    ["because", decision],
    ["EAR status", earStatus],
    ...concerns.map((concern): Row => ["concern", concern]),
    ...(validUntil === null ? [] : [["valid until", validUntil] as const]),
  ];
}

function presentJudged(judged: Judged) {
  const { verdict, result } = judged;
  const rows: Row[] = [
    ...listOutcome(judged),
    [
      "TEE",
      `${result?.tee ?? (verdict.simulated ? `sim-${verdict.tee}` : verdict.tee)}, version ${verdict.quoteVersion}`,
    ],
    ...listPlatform(verdict),
    ...listMeasurements(verdict),
    ["verified at", verdict.now],
    ["holds", `${verdict.window.from} to ${verdict.window.to}`],
  ];
  return presentRows(toDocument(judged), rows, result?.outcome === "refused" ? EXIT.refused : EXIT.done);
}
