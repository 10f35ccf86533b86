// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CollateralRequest } from "@bulwark/collateral";
import { BulwarkError } from "@bulwark/contracts/errors";
import { Option } from "commander";
import type { Context } from "../../command.ts";
import { writeFileWhole } from "../../runs/files.ts";
import { type Action, type Call, readText } from "./action.ts";
import { addServiceFlags, openSource } from "./collateral-source.ts";
import { readEvidence } from "./judge.ts";
import { presentRows } from "./rows.ts";

const FMSPC = /^[0-9a-f]{12}$/;
/** Collateral is public; others on the machine may read it. */
const MODE = 0o644;

/** What to fetch: for the platform of a quote, or as the flags say. */
async function readRequest(context: Context, { args, flags }: Call): Promise<CollateralRequest> {
  const [file] = args;
  if (file !== undefined) {
    const { inspectPlatform, parseQuote } = await import("@bulwark/attestation");
    const { bytes, kind } = await readEvidence(context, file);
    if (kind === "quote") {
      const quote = parseQuote(bytes);
      const { fmspc, ca } = inspectPlatform(quote);
      return { tee: quote.tee, fmspc, ca };
    }
    const mend = "ask AMD's key distribution service for the certificate of the chip";
    throw new BulwarkError("USAGE", `${file} is a ${kind}, and Intel's service has nothing for it.`, mend);
  }
  const fmspc = readText(flags.fmspc)?.toLowerCase() ?? "";
  if (FMSPC.test(fmspc)) return { tee: flags.tee as "sgx" | "tdx", fmspc, ca: flags.ca as "platform" | "processor" };
  throw new BulwarkError(
    "USAGE",
    fmspc === "" ? "Say for which platform to fetch." : `--fmspc ${fmspc} is not 12 hex digits.`,
    "bulwark attest collateral fetch quote.bin --to DIR, or --fmspc HEX --tee sgx|tdx --ca platform|processor",
  );
}

async function save(folder: string, name: string, content: string): Promise<string> {
  const path = join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await writeFileWhole(path, content, MODE);
    return path;
  } catch (cause) {
    const mend = "name a folder that you may write: --to DIR";
    throw new BulwarkError("COLLATERAL_UNWRITABLE", `${path} cannot be written.`, mend, { cause });
  }
}

export const fetchCollateral: Action = {
  description: "fetch collateral and keep it in a folder, for machines without a network",
  configure(command) {
    addServiceFlags(
      command
        .argument("[file]", "a quote of the platform; - is standard input")
        .requiredOption("--to <folder>", "folder to write into; its bundles of other platforms stay")
        .option("--from <place>", "https address of a PCS or PCCS, folder or bundle; Intel's own service when left out")
        .option("--fmspc <hex>", "platform family, without a quote")
        .addOption(new Option("--tee <name>", "kind of TEE, without a quote").choices(["sgx", "tdx"]).default("tdx"))
        .addOption(
          new Option("--ca <name>", "CA of the platform, without a quote")
            .choices(["platform", "processor"])
            .default("platform"),
        ),
    );
  },
  async execute(context, call) {
    const request = await readRequest(context, call);
    const [{ toFileName }, { inspectCollateral }] = await Promise.all([
      import("@bulwark/collateral"),
      import("@bulwark/attestation"),
    ]);
    const source = await openSource(context, readText(call.flags.from), call.flags);
    const step = context.progress.step(`Collateral from ${source.name}`);
    const collateral = await source.fetch(request, { signal: context.signal });
    step.done();
    const items = inspectCollateral(collateral);
    const folder = resolve(context.cwd, readText(call.flags.to) ?? "");
    const file = await save(folder, toFileName(request), `${JSON.stringify(collateral, null, 2)}\n`);
    const until = items.map(({ validTo }) => validTo).toSorted()[0] ?? "";
    return presentRows({ file, ...request, items, validTo: until }, [
      ["file", file],
      ...items.map(({ item, detail, validTo }) => [item, `${detail}; until ${validTo}`] as const),
      ["usable until", until],
    ]);
  },
};
