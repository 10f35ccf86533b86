// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { FlinkAddress } from "../stack.ts";

type Call = { method?: "GET" | "POST" | "PATCH"; body?: unknown };

/**
 * Asks Flink's REST interface, by TLS with a certificate on both sides.
 *
 * @see https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/
 * @throws BulwarkError SERVING_UNREACHABLE when it does not answer in time, or not with what was asked for
 */
export async function askFlink(
  { url, caFile, certificateFile, privateKeyFile, jobManagerLog }: FlinkAddress,
  path: string,
  timeoutMs: number,
  { method = "GET", body }: Call = {},
): Promise<Record<string, unknown>> {
  const [ca, cert, key] = await Promise.all([caFile, certificateFile, privateKeyFile].map((file) => readFile(file)));
  const signal = AbortSignal.timeout(timeoutMs);
  const options = { method, ca, cert, key, signal, agent: false, headers: { "content-type": "application/json" } };
  try {
    return await new Promise((resolve, reject) => {
      const call = request(new URL(path, url), options as object, (reply) => {
        text(reply)
          .then((answer) => {
            if ((reply.statusCode ?? 0) < 300) resolve(JSON.parse(answer));
            else reject(new Error(`status ${reply.statusCode}: ${answer.slice(0, 200)}`));
          })
          .catch(reject);
      });
      call.once("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  } catch (cause) {
    const message = `Flink's job manager at ${url} does not answer ${path}.`;
    throw new BulwarkError("SERVING_UNREACHABLE", message, `read ${jobManagerLog}`, { cause });
  }
}

/** The task managers that are registered, and what they offer: a manager without slots cannot compute yet. */
export async function countSlots(
  address: FlinkAddress,
  timeoutMs: number,
): Promise<{ managers: number; slots: number }> {
  const { taskmanagers } = await askFlink(address, "/taskmanagers", timeoutMs);
  const managers = taskmanagers as { slotsNumber: number }[];
  return { managers: managers.length, slots: managers.reduce((sum, { slotsNumber }) => sum + slotsNumber, 0) };
}
