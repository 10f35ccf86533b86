// SPDX-License-Identifier: Apache-2.0
import type { AttestationResult } from "@bulwark/attestation";
import { BulwarkError, EXIT } from "@bulwark/contracts/errors";
import type { Column } from "../../command.ts";
import { type Action, readText } from "../attest/action.ts";
import { addJudgeFlags, judge } from "../attest/judge.ts";

type Row = { what: string; says: string; why: string };

const COLUMNS: readonly Column<Row>[] = [
  { heading: "RULE", cell: (row) => row.what },
  { heading: "SAYS", cell: (row) => row.says },
  { heading: "WHY", cell: (row) => row.why },
];

/** Every rule of the policy with how it fares, then every other reason, then the decision. */
function toRows({ rules, findings, concerns, outcome, decision, policy }: AttestationResult): Row[] {
  const others = findings.filter(({ code }) => code !== "APPRAISAL_NOT_ALLOWED" && code !== "APPRAISAL_DENIED");
  return [
    ...rules.map(({ kind, name, fits, misses }) => ({
      what: `${kind} "${name}"`,
      says: fits ? "fits" : "does not fit",
      why: fits ? "all that it names" : misses.join("; ") || "it names nothing",
    })),
    ...others.map(({ code, message, mend }) => ({ what: code, says: "refuses", why: `${message} -> ${mend}` })),
    ...concerns.map((why) => ({ what: "concern", says: "warns", why })),
    { what: `policy "${policy.name}"`, says: outcome, why: decision },
  ];
}

export const explain: Action = {
  description: "which rule of a policy would decide about evidence, and why; exit code 6 when it would be refused",
  configure(command) {
    command
      .argument("<policy>", "a policy in YAML or JSON")
      .requiredOption("--evidence <file>", "quote or report: bytes, base64 or hex; - is standard input");
    addJudgeFlags(command);
  },
  async execute(context, { args, flags }) {
    const { result } = await judge(context, readText(flags.evidence) ?? "", { policy: args[0] ?? "", flags });
    if (result === null) throw new BulwarkError("BUG", "A policy was given, and nothing was appraised.", "report this");
    const { verdict: _verdict, ...value } = result;
    return {
      value,
      table: { rows: toRows(result), columns: COLUMNS, name: (row: Row) => row.what },
      exitCode: result.outcome === "accepted" ? EXIT.done : EXIT.refused,
    };
  },
};
