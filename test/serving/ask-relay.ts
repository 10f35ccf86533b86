// SPDX-License-Identifier: Apache-2.0
// A relay as people start it, and commands to it, as Redis's clients send them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { DEFAULT_LIMITS, decodeResult, encodeRecord } from "../../packages/tensors/src/index.ts";
import { until } from "./stack.ts";
import { BULWARK } from "./tool.ts";

export type RelayProcess = { port: number; pid: number; stop(): Promise<void> };

/** Runs `bulwark serving relay` with some flags, on a free port. */
export async function launchRelay(
  flags: Readonly<Record<string, string>>,
  { env, cwd }: { env: NodeJS.ProcessEnv; cwd?: string },
): Promise<RelayProcess> {
  const args = ["serving", "relay", "--port", "0", ...toArguments(flags)];
  const child = spawn(BULWARK, args, { env, cwd, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (data) => {
    said += data;
  });
  const readPort = (): number => Number(/ at 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? 0);
  await until(() => {
    assert.equal(child.exitCode, null, said);
    return readPort() > 0;
  });
  return {
    ...{ port: readPort(), pid: child.pid ?? 0 },
    async stop() {
      if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
    },
  };
}

/** Flags with their values, those without one left out. */
export function toArguments(given: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]));
}

/** Sends one command to a relay; gives its reply as it came. */
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
