// SPDX-License-Identifier: Apache-2.0
import { EXIT } from "@bulwark/contracts";
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import type { CommandSpec, Result } from "../command.ts";
import { sparkOptions } from "../runtime/choices.ts";
import { ensureSpark, findSpark } from "../runtime/spark.ts";
import { type Check, examine, type Report } from "./doctor/check.ts";
import { FOLDER_CHECKS } from "./doctor/folders.ts";
import { MACHINE_CHECKS } from "./doctor/machine.ts";
import { PROGRAM_CHECKS } from "./doctor/programs.ts";

const CHECKS: readonly Check[] = [...PROGRAM_CHECKS, ...FOLDER_CHECKS, ...MACHINE_CHECKS];

/** `bulwark doctor`: what is used, what is wrong, and how to mend it. */
export const spec: CommandSpec = {
  examples: [
    "bulwark doctor",
    "bulwark doctor --install",
    "bulwark doctor -o json",
    "bulwark doctor --cluster -n analytics -f job.yaml",
  ],
  configure(command) {
    command
      .option("--install", "install what is missing and can be installed: Spark and its Python packages")
      .option("-f, --file <file>", "job file to look for: its image, claims, TEE and size (cluster)");
    addClusterFlags(command);
  },
  async execute(context, { flags }) {
    if (flags.install === true) {
      const { progress, signal } = context;
      await ensureSpark({ ...sparkOptions(context), progress, signal });
    }
    if (meansCluster(context, flags) || flags.file !== undefined) {
      const { examineCluster } = await import("./doctor/cluster.ts");
      const reports = await examineCluster(context, flags);
      return toResult(reports, { apiVersion: "bulwark/v1", items: reports });
    }
    const [reports, spark] = await Promise.all([examine(CHECKS, context), findSpark(sparkOptions(context))]);
    // Scripts that prepare data for jobs, or test against Spark, want what jobs get.
    const value = { apiVersion: "bulwark/v1", items: reports, sparkHome: spark?.home, python: spark?.python };
    return toResult(reports, value);
  },
};

function toResult(reports: readonly Report[], value: unknown): Result {
  const failed = reports.some((report) => report.state === "fail");
  return {
    value,
    exitCode: failed ? EXIT.invalid : EXIT.done,
    table: {
      rows: reports,
      name: (report: Report) => report.name,
      columns: [
        { heading: "check", cell: (report: Report) => report.name },
        { heading: "state", cell: (report: Report) => report.state },
        { heading: "detail", cell: (report: Report) => report.detail },
        { heading: "mend", cell: (report: Report) => report.mend ?? "" },
      ],
    },
  };
}
