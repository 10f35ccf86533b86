// SPDX-License-Identifier: Apache-2.0
import { EXIT, type Finding } from "@bulwark/contracts/errors";
import type { Column } from "../../command.ts";
import type { KeysAction } from "./action.ts";

const COLUMNS: readonly Column<Finding>[] = [
  { heading: "CODE", cell: (finding) => finding.code },
  { heading: "FINDING", cell: (finding) => finding.message },
  { heading: "MEND", cell: (finding) => finding.mend },
];

export const check: KeysAction = {
  description: "look for anything wrong with the keys; exit code 3 if there is",
  configure() {},
  async execute({ paths, now }) {
    const { inspectKeys } = await import("@bulwark/pki");
    const { findings } = await inspectKeys(paths.keys, now());
    return {
      value: { folder: paths.keys, findings },
      table: {
        rows: findings,
        columns: COLUMNS,
        name: (finding: Finding) => finding.code,
        empty: `Nothing is wrong with the keys in ${paths.keys}`,
      },
      exitCode: findings.length === 0 ? EXIT.done : EXIT.invalid,
    };
  },
};
