// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** A program that ended otherwise than well; `output` is what it wrote to standard error, else to standard output. */
export class ProgramFailure extends Error {
  readonly code: number | null;
  readonly output: string;

  constructor(command: string, code: number | null, output: string) {
    super(`${command} ended with ${code === null ? "a signal" : `exit code ${code}`}: ${output.trim()}`);
    this.code = code;
    this.output = output;
  }
}

export type RunOptions = {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Written to its standard input. */
  input?: string | Uint8Array;
  /** Ends it, when aborted. */
  signal?: AbortSignal;
};

/**
 * Runs a program to its end.
 *
 * @returns what it wrote to standard output
 * @throws ProgramFailure when it cannot be started or its exit code is not 0
 */
export async function runProgram(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, ...spawning } = options;
  const child = spawn(command, args, { ...spawning, stdio: ["pipe", "pipe", "pipe"] });
  // A program may end without having read its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const named = [command, ...args.slice(0, 2)].join(" ");
  try {
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    if (code !== 0) throw new ProgramFailure(named, code, stderr.trim() === "" ? stdout : stderr);
    return stdout;
  } catch (error) {
    if (error instanceof ProgramFailure) throw error;
    throw new ProgramFailure(named, null, (error as Error).message);
  }
}
