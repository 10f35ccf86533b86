// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createTransport, type Target } from "@bulwark/serving-client";
import type { Stack } from "./stack.ts";

export type GatewayAnswer = { status: number; body: unknown };

/** Where the gateway of a stack is, by TLS where it listens with it, with what its files hold. */
export async function readTarget({ gateway }: Stack): Promise<Target> {
  const { tokenFile, caFile } = gateway;
  return {
    url: gateway.https ?? gateway.http ?? "",
    ...(tokenFile === undefined ? {} : { token: (await readFile(tokenFile, "utf8")).trim() }),
    ...(caFile === undefined ? {} : { ca: await readFile(caFile, "utf8") }),
  };
}

/**
 * Asks the gateway of a stack once, whatever it answers.
 *
 * @throws BulwarkError SERVING_UNREACHABLE when it does not answer in time
 */
export async function askGateway(
  stack: Stack,
  call: { path: string; method?: "GET" | "POST"; body?: unknown; timeoutMs: number },
): Promise<GatewayAnswer> {
  const { path, method = "GET", body, timeoutMs } = call;
  const target = await readTarget(stack);
  const transport = createTransport(target);
  const content =
    body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  try {
    const reply = await transport.send({ method, path, ...content, timeoutMs });
    return { status: reply.status, body: parse(reply.body) };
  } catch (cause) {
    const message = `The gateway at ${target.url} does not answer.`;
    throw new BulwarkError("SERVING_UNREACHABLE", message, `read ${stack.gateway.log}`, { cause });
  } finally {
    transport.close();
  }
}

export type ReadyModel = { name: string; version: string };

/**
 * Versions of models that the gateway can answer for, by its index.
 *
 * @throws BulwarkError SERVING_UNREACHABLE
 */
export async function listReady(stack: Stack, timeoutMs: number): Promise<readonly ReadyModel[]> {
  const call = { path: "/v2/repository/index", method: "POST", body: { ready: true }, timeoutMs } as const;
  const { body } = await askGateway(stack, call);
  return Array.isArray(body) ? (body as ReadyModel[]) : [];
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return undefined;
  }
}
