// SPDX-License-Identifier: Apache-2.0
import type { SecurityReport } from "../runs/security/report.ts";

/** The report as people read it: what was seen, then what is not protected. */
export function formatReport(report: SecurityReport): string {
  const rows = report.observations.map((row) => [
    row.asPlanned ? "ok" : "DIFFERS",
    row.subject,
    row.protection,
    row.observed,
  ]);
  const exposed = report.exposures.map((row) => ["exposed", row.subject, row.reason]);
  return [
    `Security of ${report.run} (profile ${report.profile}, TEE ${report.tee}): ${report.verdict}`,
    ...align([["STATE", "WHAT", "PROTECTION", "OBSERVED"], ...rows]),
    "Not protected:",
    ...align(exposed),
  ].join("\n");
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
}
