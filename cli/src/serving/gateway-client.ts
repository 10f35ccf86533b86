// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Stack } from "./stack.ts";

export type GatewayAnswer = { status: number; body: unknown };

const MOST_BYTES = 4 * 2 ** 20;

/**
 * Asks the gateway of a stack, by TLS where it listens with it.
 *
 * @throws BulwarkError SERVING_UNREACHABLE when it does not answer in time
 */
export async function askGateway(
  { gateway }: Stack,
  call: { path: string; method?: "GET" | "POST"; body?: unknown; timeoutMs: number },
): Promise<GatewayAnswer> {
  const base = gateway.https ?? gateway.http ?? "";
  const url = new URL(call.path, base);
  const token = gateway.tokenFile === undefined ? undefined : (await readFile(gateway.tokenFile, "utf8")).trim();
  const options = {
    method: call.method ?? "GET",
    signal: AbortSignal.timeout(call.timeoutMs),
    headers: {
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(gateway.caFile === undefined ? {} : { ca: await readFile(gateway.caFile, "utf8") }),
  };
  const { promise, resolve, reject } = Promise.withResolvers<GatewayAnswer>();
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  const asking = start(url, options, (response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) response.destroy(new Error("the answer is too long"));
      else chunks.push(chunk);
    });
    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks)) }));
    response.on("error", reject);
  });
  asking.on("error", reject).end(call.body === undefined ? undefined : JSON.stringify(call.body));
  return promise.catch((cause) => {
    throw new BulwarkError("SERVING_UNREACHABLE", `The gateway at ${base} does not answer.`, `read ${gateway.log}`, {
      cause,
    });
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return undefined;
  }
}
