// SPDX-License-Identifier: Apache-2.0
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CollateralSource, Network } from "@bulwark/collateral";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Command } from "commander";
import type { Context } from "../../command.ts";
import { readFileAtMost } from "../../runs/read-at-most.ts";
import { type Call, readText } from "./action.ts";

const MOST_BYTES = 4 * 1024 ** 2;

/** Adds the flags that `openSource` reads beside `--collateral` or `--from`. */
export const addServiceFlags = (command: Command): Command =>
  command
    .option("--ca-file <file>", "authority of the service's certificate, PEM, for a PCCS of your own")
    .option("--api-key-file <file>", "subscription key of the service");

async function readFlagFile(context: Context, flag: string, value: unknown): Promise<string | undefined> {
  const file = readText(value);
  if (file === undefined) return undefined;
  try {
    return (await readFileAtMost(resolve(context.cwd, file), MOST_BYTES)).toString("utf8").trim();
  } catch (cause) {
    const mend = `name a file that you may read: ${flag} FILE`;
    throw new BulwarkError("COLLATERAL_SOURCE_INVALID", `${file} cannot be read.`, mend, { cause });
  }
}

async function read(file: string): Promise<Buffer> {
  const bytes = await readFileAtMost(file, MOST_BYTES);
  if (bytes.length <= MOST_BYTES) return bytes;
  const mend = "name a bundle, such as bulwark attest collateral fetch writes";
  throw new BulwarkError("COLLATERAL_INVALID", `It is larger than ${MOST_BYTES / 1024 ** 2} MiB.`, mend);
}

/**
 * The source that a flag names: an https address, a folder, or a bundle file. Nothing is asked yet.
 *
 * @param given what the flag says; Intel's own service when it says nothing
 * @throws COLLATERAL_SOURCE_INVALID
 */
export async function openSource(
  context: Context,
  given: string | undefined,
  flags: Call["flags"],
): Promise<CollateralSource> {
  const { createBundleSource, createFolderSource, createHttpsGet, createServiceSource, INTEL_PCS } = await import(
    "@bulwark/collateral"
  );
  const place = given ?? INTEL_PCS;
  if (/^[a-z][a-z+.-]*:\/\//i.test(place)) {
    const [{ get }, { setTimeout: delay }, ca, apiKey] = await Promise.all([
      import("node:https"),
      import("node:timers/promises"),
      readFlagFile(context, "--ca-file", flags.caFile),
      readFlagFile(context, "--api-key-file", flags.apiKeyFile),
    ]);
    const network: Network = {
      get: createHttpsGet(get, ca),
      delay: (milliseconds, signal) => delay(milliseconds, undefined, { signal }),
      timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
      random: Math.random,
    };
    return createServiceSource({ url: place, network, ...(apiKey === undefined ? {} : { apiKey }) });
  }
  const path = resolve(context.cwd, place);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new BulwarkError(
      "COLLATERAL_SOURCE_INVALID",
      `${place} is no address and does not exist as a folder or file.`,
      "name a folder, a bundle file or an https address: --collateral DIR|FILE|URL",
    );
  }
  return found.isDirectory() ? createFolderSource(path, { read, join }) : createBundleSource(path, read);
}
