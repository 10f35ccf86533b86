// SPDX-License-Identifier: Apache-2.0
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BULWARK, prepareGround, ROOT, readSeconds } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

/** About 140 bytes a row in Parquet, most of it incompressible: 5 GB. */
const ROWS = process.env.BENCH_ROWS ?? "36000000";

/** Writes and reads 5 GB of Parquet: encrypted column by column against plain, the same job both times. */
export async function benchParquet(): Promise<readonly Bench[]> {
  const { folder } = await prepareGround();
  const run = async (name: string, key: string | undefined): Promise<number> => {
    const job = join(folder, `${name}.yaml`);
    const table = { path: join(folder, name), mode: "write", overwrite: true, ...(key === undefined ? {} : { key }) };
    const python = join(ROOT, "bench", "parquet.py");
    await writeFile(job, JSON.stringify({ name, python, args: ["{data.table}", ROWS], data: { table } }));
    return readSeconds(await time(BULWARK, ["run", job, "--quiet"]));
  };
  return [
    {
      peerName: "parquet-plain",
      runs: 3,
      ours: { parquet: () => run("encrypted", "bench") },
      peer: () => run("plain", undefined),
    },
  ];
}
