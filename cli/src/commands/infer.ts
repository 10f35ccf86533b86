// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CommandSpec, Context, Result } from "../command.ts";
import { addTargetFlags, ask, findTarget } from "../serving/target.ts";

type Output = { name: string; datatype: string; shape: number[]; data: unknown[] };
type Info = { name: string; datatype: string; shape: number[] };

const SHOWN_ELEMENTS = 10;
const TIMEOUT_MS = 60_000;

/** `bulwark infer`: one request by the Open Inference Protocol, from a file or standard input. */
export const spec: CommandSpec = {
  examples: [
    "bulwark infer iris --input request.json",
    `echo '{"x": [[5.1, 3.5, 1.4, 0.2]]}' | bulwark infer iris`,
    "bulwark infer iris --url https://serving.example:10023 --ca ca.crt --token-file token",
  ],
  configure(command) {
    command
      .argument("<model>", "name of the model")
      .option("--input <file>", "JSON: {NAME: nested list}, or a whole request; - is standard input", "-")
      .option("--model-version <version>", "a version or a label; the newest when not given");
    addTargetFlags(command);
  },
  async execute(context, { args, flags }) {
    const [model = ""] = args;
    const target = await findTarget(context, flags);
    const version =
      flags.modelVersion === undefined ? "" : `/versions/${encodeURIComponent(String(flags.modelVersion))}`;
    const path = `/v2/models/${encodeURIComponent(model)}${version}`;
    const given = parse(await readInput(context, String(flags.input)));
    const body = "inputs" in given ? given : { inputs: await toInputs(given, () => describe(target, path)) };
    const answer = await ask(target, { path: `${path}/infer`, method: "POST", body, timeoutMs: TIMEOUT_MS });
    return show(answer as { outputs: Output[] });
  },
};

async function describe(target: Parameters<typeof ask>[0], path: string): Promise<Info[]> {
  return ((await ask(target, { path, timeoutMs: TIMEOUT_MS })) as { inputs: Info[] }).inputs;
}

function readInput({ stdin, cwd }: Context, file: string): Promise<string> {
  if (file === "-") return text(stdin as NodeJS.ReadStream);
  return readFile(resolve(cwd, file), "utf8").catch((cause) => {
    throw new BulwarkError("USAGE", `${file} cannot be read.`, "name a file with --input", { cause });
  });
}

function parse(content: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Told below; what the parser says would quote the input.
  }
  throw new BulwarkError("USAGE", "The input is no JSON object.", `echo '{"x": [[1, 2]]}' | bulwark infer MODEL`);
}

/** Inputs with the datatype that the model has for each, and the shape that the lists have. */
async function toInputs(given: Record<string, unknown>, look: () => Promise<Info[]>): Promise<object[]> {
  const infos = await look();
  return Object.entries(given).map(([name, data]) => {
    const shape: number[] = [];
    for (let level = data; Array.isArray(level); level = level[0]) shape.push(level.length);
    return { name, datatype: infos.find((info) => info.name === name)?.datatype ?? "FP32", shape, data };
  });
}

function show(answer: { outputs: Output[] }): Result {
  return {
    value: answer,
    table: {
      rows: answer.outputs,
      name: ({ name }: Output) => name,
      columns: [
        { heading: "output", cell: ({ name }: Output) => name },
        { heading: "datatype", cell: ({ datatype }: Output) => datatype },
        { heading: "shape", cell: ({ shape }: Output) => `[${shape.join(", ")}]` },
        { heading: "data", cell: ({ data }: Output) => preview(data) },
      ],
    },
  };
}

function preview(data: readonly unknown[]): string {
  const shown = data
    .slice(0, SHOWN_ELEMENTS)
    .map((value) => (typeof value === "number" ? String(round(value)) : String(value)));
  return `${shown.join(" ")}${data.length > SHOWN_ELEMENTS ? ` ... (${data.length})` : ""}`;
}

const round = (value: number): number => Number(value.toPrecision(6));
