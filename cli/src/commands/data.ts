// SPDX-License-Identifier: Apache-2.0
import { cpus } from "node:os";
import { resolve } from "node:path";
import { BulwarkError, parseJobFile } from "@bulwark/contracts";
import type { CommandSpec, Context, Result } from "../command.ts";
import { runDataTool } from "../runs/data-tool.ts";
import { prepareGround } from "../runs/prepare.ts";
import { runOnGround } from "../runs/run-job.ts";
import { findBulwarkJar } from "../runtime/jar.ts";

type Flags = Readonly<Record<string, unknown>>;
type Call = { input: string; output: string | undefined; flags: Flags };

/** Work on rows is a job with executors; work on keys and footers is one JVM. */
type Work =
  | { kind: "job"; args: string[]; output: Record<string, unknown>; keys: "named" | "all" }
  | { kind: "tool"; args: string[] };

const FORMATS = ["auto", "csv", "jsonl", "parquet"];

const SUBCOMMANDS: Readonly<Record<string, (call: Call) => Work>> = {
  encrypt: ({ input, output, flags }) => ({
    kind: "job",
    args: ["encrypt", "--input", input, "--format", String(flags.format), "--output", "{data.output}"],
    output: {
      path: output,
      mode: "write",
      key: flags.key,
      columns: Object.fromEntries((flags.column as string[]).map(splitColumn)),
      overwrite: flags.overwrite === true,
    },
    keys: "named",
  }),
  decrypt: ({ input, output, flags }) => ({
    kind: "job",
    args: ["decrypt", "--input", input, "--format", String(flags.format), "--output", "{data.output}"],
    output: { path: output, mode: "write", overwrite: flags.overwrite === true },
    keys: "all",
  }),
  inspect: ({ input }) => ({ kind: "tool", args: ["inspect", "--input", input] }),
  rewrap: ({ input }) => ({ kind: "tool", args: ["rewrap", "--input", input] }),
};

/** `bulwark data`: encrypt, decrypt, look at and re-wrap data at rest. Spark does the work, so size does not matter. */
export const spec: CommandSpec = {
  examples: [
    "bulwark data encrypt patients.csv patients.parquet --key patients",
    "bulwark data encrypt patients.csv patients.parquet --key patients --column diagnosis=labels",
    "bulwark data inspect patients.parquet",
    "bulwark data decrypt patients.parquet patients-copy --format csv",
    "bulwark data rewrap patients.parquet",
  ],
  configure(command) {
    command
      .command("encrypt <in> <out>")
      .description("CSV, JSON lines or Parquet -> Parquet, every column encrypted (AES-256-GCM)")
      .requiredOption("--key <name>", "master key of the footer and of columns without one of their own")
      .option("--column <name=key>", "a column with a master key of its own; may be repeated", collect, [])
      .option("--format <format>", `of the input: ${FORMATS.join(", ")}`, "auto")
      .option("--overwrite", "replace what is at <out>");
    command
      .command("decrypt <in> <out>")
      .description("encrypted Parquet -> plain CSV, JSON lines or Parquet")
      .option("--format <format>", "of the output: csv, jsonl, parquet", "csv")
      .option("--overwrite", "replace what is at <out>");
    command.command("inspect <in>").description("columns, key ids and versions; no values");
    command.command("rewrap <in>").description("wrap the data keys with the current version of each master key");
  },
  async execute(context, { args, flags, path }) {
    const [name = ""] = path;
    const toWork = SUBCOMMANDS[name];
    if (toWork === undefined) {
      throw new BulwarkError("USAGE", "bulwark data needs a subcommand.", "bulwark data --help");
    }
    const [input = "", output] = args;
    const work = toWork({ input: resolve(context.cwd, input), output: output && resolve(context.cwd, output), flags });
    return show(work.kind === "tool" ? await runDataTool(context, work.args) : await runDataJob(context, name, work));
  },
};

async function runDataJob(context: Context, name: string, work: Extract<Work, { kind: "job" }>): Promise<string> {
  const text = JSON.stringify({
    name: `data-${name}`,
    jar: await findBulwarkJar(),
    class: "bulwark.data.DataTool",
    args: work.args,
    data: { output: work.output },
    executor: { instances: Math.min(2, cpus().length) },
    eventLog: { enabled: false },
  });
  const { job } = parseJobFile(text, { file: "command line" });
  const printed: Buffer[] = [];
  const { record } = await runOnGround(context, await prepareGround(context), {
    job,
    baseFolder: context.cwd,
    allKeys: work.keys === "all",
    onOutput: (chunk) => printed.push(chunk),
  });
  const { failure } = record;
  if (failure !== undefined) throw new BulwarkError(failure.code, failure.message, failure.mend);
  return Buffer.concat(printed).toString("utf8");
}

type Column = { name: string; type: string; key?: string; version?: number };
type Report = { rows?: number; files?: number; columns?: Column[] };

function show(output: string): Result {
  const report = JSON.parse(output) as Report;
  return {
    value: report,
    ...(report.columns === undefined
      ? {}
      : {
          table: {
            rows: report.columns,
            name: (column: Column) => column.name,
            columns: [
              { heading: "column", cell: (column: Column) => column.name },
              { heading: "type", cell: (column: Column) => column.type },
              { heading: "key", cell: (column: Column) => column.key ?? "none: plain" },
              { heading: "version", cell: (column: Column) => String(column.version ?? "") },
            ],
          },
        }),
  };
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

function splitColumn(text: string): [string, string] {
  const at = text.lastIndexOf("=");
  if (at < 1)
    throw new BulwarkError("USAGE", `--column ${text} is no name=key.`, "for instance: --column diagnosis=labels");
  return [text.slice(0, at), text.slice(at + 1)];
}
