// SPDX-License-Identifier: Apache-2.0
// One command to a relay, as Redis's clients send it, and what came back.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { DEFAULT_LIMITS, decodeResult, encodeRecord } from "../../packages/tensors/src/index.ts";
import { until } from "./stack.ts";

export function askRelay(port: number, words: readonly string[]): Promise<string> {
  const command = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`*${words.length}\r\n${command}`));
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer")));
    socket.once("data", (data) => resolve(String(socket.end() && data)));
    socket.once("error", reject);
  });
}

/** Writes a row of numbers as the older client does, waits, and gives the numbers of every output. */
export async function computeRow(port: number, uri: string, row: readonly number[], job = "serving_stream") {
  const payload = encodeRecord([{ name: "x", shape: [1, row.length], data: Float32Array.from(row) }]);
  const added = await askRelay(port, ["XADD", job, "*", "uri", uri, "data", payload.toString("base64")]);
  assert.match(added, /^\$\d+\r\n\d+-\d+\r\n$/);
  let value: string | undefined;
  await until(async () => {
    const answer = await askRelay(port, ["HGETALL", `cluster-serving_${job}:${uri}`]);
    value = answer.split("\r\n")[4];
    return value !== undefined;
  });
  return decodeResult(Buffer.from(value ?? "", "base64"), DEFAULT_LIMITS).map(({ data }) => [...data]);
}
