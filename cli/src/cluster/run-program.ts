// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";

/** How a program ended and what it said. */
export type Ended = { code: number | null; output: string; errors: string };

const LARGEST_BYTES = 64 * 1024 * 1024;

/**
 * Runs a program to its end, in a process group of its own: a Ctrl-C at the terminal reaches us alone, and we decide.
 *
 * @throws the error of `spawn` when it cannot be started
 */
export function runProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BYTES) chunks.push(chunk);
    };
    child.stdout.on("data", keep(output));
    child.stderr.on("data", keep(errors));
    child.once("error", reject);
    child.once("close", (code) =>
      resolve({ code, output: Buffer.concat(output).toString("utf8"), errors: Buffer.concat(errors).toString("utf8") }),
    );
  });
}
