// SPDX-License-Identifier: Apache-2.0
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CollateralClaim, Instant } from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Column, Context } from "../../command.ts";
import type { Action } from "./action.ts";
import { readInstant } from "./judge.ts";
import { EVIDENCE, readInput } from "./read-input.ts";
import { recognise } from "./recognise.ts";

type Row = CollateralClaim & { file: string; state: "valid" | "expired" | "not yet valid"; daysLeft: number };

const DAY_MS = 86_400_000;
const COLUMNS: readonly Column<Row>[] = [
  { heading: "FILE", cell: (row) => row.file },
  { heading: "ITEM", cell: (row) => row.item },
  { heading: "STATE", cell: (row) => row.state },
  { heading: "DAYS LEFT", cell: (row) => String(row.daysLeft) },
  { heading: "UNTIL", cell: (row) => row.validTo },
  { heading: "FROM", cell: (row) => row.validFrom, wide: true },
  { heading: "DETAIL", cell: (row) => row.detail },
];

/** The bundles of a folder, or the one file. */
async function listFiles(context: Context, place: string): Promise<string[]> {
  try {
    const names = await readdir(resolve(context.cwd, place));
    return names.filter((name) => name.endsWith(".json")).map((name) => join(place, name));
  } catch {
    return [place];
  }
}

async function readRows(context: Context, file: string, now: Instant): Promise<Row[]> {
  const { inspectCollateral, parseCollateral, parseInstant } = await import("@bulwark/attestation");
  const { bytes, shown } = await readInput(context, file, EVIDENCE);
  const { kind } = recognise(bytes, shown);
  if (kind !== "collateral") {
    const mend = "name a bundle or a folder of them: bulwark attest collateral fetch";
    throw new BulwarkError("EVIDENCE_FORM_UNKNOWN", `${shown} is no bundle of collateral, but a ${kind}.`, mend);
  }
  return inspectCollateral(parseCollateral(bytes.toString())).map((claim) => {
    const [from, to] = [parseInstant(claim.validFrom), parseInstant(claim.validTo)];
    const state = now < from ? "not yet valid" : now > to ? "expired" : "valid";
    return { ...claim, file: shown, state, daysLeft: Math.floor((to - now) / DAY_MS) };
  });
}

export const showCollateral: Action = {
  description: "list collateral and until when it can be used; verifies nothing",
  configure(command) {
    command
      .argument("<place>", "a bundle, or a folder of bundles; - is standard input")
      .option("--at <instant>", "as of an instant, such as 2026-03-01T12:00:00Z; now when left out");
  },
  async execute(context, { args, flags }) {
    const now = await readInstant(context, flags.at);
    const place = args[0] ?? "";
    const files = place === "-" ? [place] : await listFiles(context, place);
    const rows = (await Promise.all(files.map((file) => readRows(context, file, now)))).flat();
    return {
      value: { items: rows },
      table: {
        rows,
        columns: COLUMNS,
        name: (row: Row) => `${row.file}/${row.item}`,
        empty: `There is no collateral in ${place}.`,
      },
    };
  },
};
