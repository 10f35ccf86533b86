// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import type { Column } from "../../command.ts";
import type { Action } from "../attest/action.ts";
import { readPolicy } from "../attest/judge.ts";

type Row = { file: string; name: string; allows: number; denies: number; sha256: string; simulation: boolean };

const COLUMNS: readonly Column<Row>[] = [
  { heading: "FILE", cell: (row) => row.file },
  { heading: "STATE", cell: () => "valid" },
  { heading: "NAME", cell: (row) => row.name },
  { heading: "ALLOWS", cell: (row) => String(row.allows) },
  { heading: "DENIES", cell: (row) => String(row.denies) },
  { heading: "SHA-256", cell: (row) => row.sha256 },
  { heading: "FOR", cell: (row) => (row.simulation ? "simulated evidence" : "hardware") },
];

/** One error for all files. That of a single file stays as it is. */
function join(errors: readonly BulwarkError[], files: number): BulwarkError {
  const [first] = errors;
  if (files === 1 && first !== undefined) return first;
  const findings = errors.flatMap(({ code, message, mend, findings }): readonly Finding[] =>
    findings.length > 0 ? findings : [{ code, message, mend }],
  );
  const message = `${errors.length} of ${files} policies cannot be used; ${findings.length} finding(s).`;
  return new BulwarkError("POLICY_INVALID", message, "correct what is listed above", { cause: errors, findings });
}

export const check: Action = {
  description: "everything that is wrong with policies, each with line and mend",
  configure(command) {
    command.argument("<file...>", "policies in YAML or JSON; - is standard input");
  },
  async execute(context, { args }) {
    const rows: Row[] = [];
    const errors: BulwarkError[] = [];
    for (const file of args) {
      try {
        const { policy, sha256 } = await readPolicy(context, file);
        const [allows, denies] = [Object.keys(policy.allow).length, Object.keys(policy.deny).length];
        if (allows === 0) context.progress.warn(`${file} allows nothing: it refuses all evidence`);
        rows.push({
          file,
          name: policy.name,
          allows,
          denies,
          sha256,
          simulation: policy.simulation.root !== undefined,
        });
      } catch (error) {
        if (!(error instanceof BulwarkError)) throw error;
        errors.push(error);
      }
    }
    if (errors.length > 0) throw join(errors, args.length);
    return { value: { items: rows }, table: { rows, columns: COLUMNS, name: (row: Row) => row.file } };
  },
};
