// SPDX-License-Identifier: Apache-2.0
// A real Redis for one test: a port that the kernel chose, a folder of its own, gone with the test.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { createLink, type Link } from "../redis/link.ts";
import { toRedisOptions } from "../redis/options.ts";

/** A server that speaks Redis's protocol, as installed. */
export type RedisProgram = { name: string; command: string };

/** Those that are installed of Redis and Valkey. */
export function findRedisPrograms(): RedisProgram[] {
  return ["redis-server", "valkey-server"]
    .filter((command) => spawnSync(command, ["--version"]).status === 0)
    .map((command) => ({ name: command.replace("-server", ""), command }));
}

export type TestRedis = {
  port: number;
  folder: string;
  /** Plain, without a password: what tests of other things need. */
  url: string;
  pid(): number;
  /** A connection that is up. */
  connect(): Promise<Link>;
  /** SIGKILL, as when the machine kills it; the append-only file stays. */
  kill(): Promise<void>;
  /** Starts again on the same port and folder. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

const LIMIT_MS = 10_000;
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a server with further lines of configuration. */
export async function startTestRedis(program: RedisProgram, lines: readonly string[] = []): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-redis-"));
  const port = await findFreePort();
  const configuration = [
    ...["bind 127.0.0.1", `port ${port}`, `dir "${folder}"`, "appendonly yes", 'save ""', "logfile redis.log"],
    ...["maxmemory-policy noeviction", ...lines, ""],
  ].join("\n");
  const links: Link[] = [];
  let child: ChildProcess | undefined;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    if (ending === undefined) return;
    child = undefined;
    if (ending.exitCode === null && ending.signalCode === null) {
      const ended = new Promise((resolve) => ending.once("exit", resolve));
      ending.kill(signal);
      // A stopped process does not see a signal it may handle.
      ending.kill("SIGCONT");
      await ended;
    }
    running.delete(ending);
  };

  const redis: TestRedis = {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    pid: () => child?.pid ?? 0,
    async connect() {
      const link = createLink(new Redis(toRedisOptions({ url: redis.url })));
      await link.connect();
      links.push(link);
      return link;
    },
    kill: () => end("SIGKILL"),
    async start() {
      child = spawn(program.command, ["-"], { stdio: ["pipe", "ignore", "ignore"] });
      running.add(child);
      child.stdin?.end(configuration);
      const limit = Date.now() + LIMIT_MS;
      while (!(await answersPing(port))) {
        if (Date.now() > limit || child.exitCode !== null) {
          throw new Error(`${program.command}: ${readFileSync(join(folder, "redis.log"), "utf8").slice(-500)}`);
        }
        await delay(20);
      }
    },
    async stop() {
      for (const link of links) link.close();
      await end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}

async function answersPing(port: number): Promise<boolean> {
  const client = new Redis({ ...toRedisOptions({ url: `redis://127.0.0.1:${port}` }), retryStrategy: null });
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.ping()) === "PONG";
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

/** A port of loopback that nobody has at this moment. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
