// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from "@bulwark/attestation";
import type { Column, Result } from "../../command.ts";

/** One line for people: what, and its value. */
export type Row = readonly [what: string, value: string];

const COLUMNS: readonly Column<Row>[] = [
  { heading: "WHAT", cell: ([what]) => what },
  { heading: "VALUE", cell: ([, value]) => value },
];

/** A result whose table is a list of facts. */
export const presentRows = (value: unknown, rows: readonly Row[], exitCode = 0): Result => ({
  value,
  table: { rows, columns: COLUMNS, name: ([what]: Row) => what },
  exitCode,
});

/** The measurements that policies are about, in the order of the guide, with what each is. */
const MEASUREMENTS: Readonly<Record<Verdict["tee"], readonly Row[]>> = {
  sgx: [
    ["mrenclave", "MRENCLAVE (code and data of the enclave)"],
    ["mrsigner", "MRSIGNER (who signed it)"],
    ["isvProdId", "product id"],
    ["isvSvn", "security version"],
    ["configId", "CONFIGID (init data)"],
  ],
  tdx: [
    ["mrtd", "MRTD (firmware)"],
    ["rtmr0", "RTMR0 (firmware configuration)"],
    ["rtmr1", "RTMR1 (boot loader, kernel)"],
    ["rtmr2", "RTMR2 (command line, initial RAM disk)"],
    ["rtmr3", "RTMR3 (what the system extended)"],
    ["mrconfigid", "MRCONFIGID (init data)"],
    ["mrseam", "MRSEAM (TDX module)"],
  ],
  "sev-snp": [
    ["measurement", "launch measurement"],
    ["hostData", "HOST_DATA (init data)"],
    ["idKeyDigest", "id key digest"],
    ["chipId", "chip id"],
    ["reportedTcb", "reported TCB"],
    ["vmpl", "privilege level (VMPL)"],
  ],
};

type Measured = Pick<Verdict, "tee" | "measurements" | "reportData" | "attributeFlags">;

/** Measurements, report data and attributes for people. */
export function listMeasurements({ tee, measurements, reportData, attributeFlags }: Measured): Row[] {
  const fields = measurements as unknown as Record<string, string | number>;
  const flags = Object.entries(attributeFlags).filter(([, isSet]) => isSet);
  return [
    ...MEASUREMENTS[tee].map(([key, what]): Row => [what, String(fields[key] ?? "")]),
    ["report data", reportData],
    ["attributes", flags.map(([name]) => name).join(", ") || "none"],
  ];
}
