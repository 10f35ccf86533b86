// SPDX-License-Identifier: Apache-2.0
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";

const MAIN = join(import.meta.dirname, "..", "..", "services", "serving-gateway", "src", "main.ts");

/** Starts a gateway's process that serves the folder `models` below `root` until the test is over; gives where it listens. */
export async function startGateway(
  t: TestContext,
  { root, ports }: { root: string; ports: object },
): Promise<{ http: string; grpc: string }> {
  const settings = join(root, "gateway.json");
  await writeFile(settings, JSON.stringify({ models: join(root, "models"), ...ports, hasLifeline: true }));
  const server = spawn(process.execPath, [MAIN, settings], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(async () => {
    const ended = once(server, "exit");
    server.stdin.end();
    await ended;
  });
  const [line] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  return JSON.parse(line).addresses;
}
