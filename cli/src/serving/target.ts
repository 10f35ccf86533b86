// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createClient } from "@bulwark/serving-client";
import type { Command } from "commander";
import type { Context } from "../command.ts";
import { type askGateway, readTarget } from "./gateway-client.ts";
import { readStack, type Stack } from "./stack.ts";

/** Adds the flags that say which server is meant. */
export function addTargetFlags(command: Command): Command {
  return command
    .option("--url <url>", "another server than the one that bulwark serve started here")
    .option("--ca <file>", "authority that the server's certificate is from")
    .option("--token-file <file>", "a file that holds a token");
}

/** The server that is meant. Throws SERVING_NOT_READY when none was named and none serves here. */
export async function findTarget(context: Context, flags: Readonly<Record<string, unknown>>): Promise<Stack> {
  const file = (name: string): string | undefined => {
    const value = flags[name];
    return typeof value === "string" ? resolve(context.cwd, value) : undefined;
  };
  const [caFile, tokenFile] = [file("ca"), file("tokenFile")];
  const own = { ...(caFile === undefined ? {} : { caFile }), ...(tokenFile === undefined ? {} : { tokenFile }) };
  if (typeof flags.url !== "string") {
    const stack = await readStack(context.paths);
    return { ...stack, gateway: { ...stack.gateway, ...own } };
  }
  if (!/^https?:\/\//.test(flags.url))
    throw new BulwarkError("USAGE", "The URL is not http or https.", "--url https://HOST:PORT");
  const scheme = flags.url.startsWith("https:") ? "https" : "http";
  return { pid: 0, startedAt: "", folder: "", gateway: { [scheme]: flags.url, log: "its log", ...own } };
}

/** Asks and gives the body of the answer, sent again as the client does. Throws the error that the server answered with. */
export async function ask(
  target: Stack,
  { path, method = "GET", body, timeoutMs }: Parameters<typeof askGateway>[1],
): Promise<unknown> {
  const client = createClient({ ...(await readTarget(target)), timeoutMs });
  try {
    return await client.ask(path, { method, ...(body === undefined ? {} : { body }) });
  } finally {
    client.close();
  }
}
