// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Link } from "./link.ts";

/** What Redis says of itself. */
export type RedisFacts = {
  /** `redis 7.0.15`, `valkey 8.1.0`. */
  program: string;
  usedBytes: number;
  /** 0: no limit. */
  mostBytes: number;
  evictionPolicy: string;
  /** What survives a restart: records are written to the append-only file. */
  isDurable: boolean;
};

const OLDEST_MAJOR = 7;

/** Asks Redis about itself. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export async function readFacts(link: Link): Promise<RedisFacts> {
  const text = String(await link.send("INFO"));
  const facts = new Map([...text.matchAll(/^([a-z_0-9]+):(.*?)\r?$/gm)].map(([, name, value]) => [name, value]));
  const read = (name: string): string => facts.get(name) ?? "";
  const valkey = read("valkey_version");
  return {
    program: valkey === "" ? `redis ${read("redis_version")}` : `valkey ${valkey}`,
    usedBytes: Number(read("used_memory")),
    mostBytes: Number(read("maxmemory")),
    evictionPolicy: read("maxmemory_policy"),
    isDurable: read("aof_enabled") === "1",
  };
}

/** Refuses a Redis that could lose records unseen. Throws QUEUE_EVICTS, QUEUE_REDIS_OLD, and what `readFacts` throws. */
export async function checkRedis(link: Link): Promise<RedisFacts> {
  const facts = await readFacts(link);
  const major = Number(/(\d+)\./.exec(facts.program)?.[1]);
  if (!(major >= OLDEST_MAJOR)) {
    const mend = "use Redis 7.0 or newer, or Valkey";
    throw new BulwarkError(
      "QUEUE_REDIS_OLD",
      `This is ${facts.program}; its scripts cannot run in a full Redis.`,
      mend,
    );
  }
  if (facts.evictionPolicy !== "noeviction") {
    throw new BulwarkError(
      "QUEUE_EVICTS",
      `Redis throws records away when its memory is full (maxmemory-policy ${facts.evictionPolicy}).`,
      "set maxmemory-policy noeviction in Redis's configuration",
    );
  }
  return facts;
}
