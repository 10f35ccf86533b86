// SPDX-License-Identifier: Apache-2.0
// The tool as people type it, in a home of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const BULWARK = fileURLToPath(new URL("../../bulwark", import.meta.url));

/** A home that holds a blank in its path, and what is run in it, with further variables. */
export function makeHome(prefix: string, variables: Readonly<Record<string, string>> = {}) {
  const home = mkdtempSync(join(tmpdir(), `${prefix} `));
  const folder = join(home, ".local", "state", "bulwark", "serving");
  const env = { ...variables, PATH: process.env.PATH, HOME: home };
  return {
    ...{ home, folder, env },
    async run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
      const child = spawn(BULWARK, args, { env, stdio: ["ignore", "pipe", "pipe"] });
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close"),
      ]);
      return { code, stdout, stderr };
    },
    /** Starts `bulwark serve` on free ports. */
    serve(...args: string[]) {
      const ports = ["http", "https", "grpc"].flatMap((kind) => [`--${kind}-port`, "0"]);
      return spawn(BULWARK, ["serve", ...args, ...ports], { env, stdio: "ignore" });
    },
    /** Processes that name the folder of this stack. */
    listParts: (): string[] =>
      readdirSync("/proc").filter((pid) => {
        try {
          return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
        } catch {
          return false;
        }
      }),
  };
}
