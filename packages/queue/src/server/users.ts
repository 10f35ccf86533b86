// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import type { Names } from "../names.ts";

/** Who speaks to Redis. Each has a user of its own with the commands it needs; the default user is off. */
export const REDIS_USERS = ["gateway", "engine", "relay", "operator"] as const;
export type RedisUser = (typeof REDIS_USERS)[number];

const EVERYONE = ["ping", "info", "time", "client|setname"];
const TAKES_IN = [
  "evalsha",
  "eval",
  "xlen",
  "xadd",
  "get",
  "set",
  "xpending",
  "xrange",
  "xdel",
  "decrby",
  "hget",
  "del",
];
const LOOKS = ["xlen", "xpending", "xrange", "get", "zrangebyscore"];

const COMMANDS: Readonly<Record<RedisUser, readonly string[]>> = {
  gateway: [...EVERYONE, ...TAKES_IN, ...LOOKS, "xread", "xtrim"],
  engine: [
    ...[...EVERYONE, "evalsha", "eval", "xreadgroup", "xgroup|create", "xgroup|delconsumer", "xack", "xdel", "xadd"],
    ...["xrange", "xpending", "xclaim", "xautoclaim", "hset", "pexpire", "incrby", "decrby", "set", "zadd", "zrem"],
    ...["zremrangebyscore", "xtrim"],
  ],
  // Scanning sees the names of all keys, whatever a user's patterns say: only the relay may.
  relay: [...EVERYONE, ...TAKES_IN, "scan"],
  // A script may do what its user may, and no more.
  operator: [...EVERYONE, ...LOOKS, "evalsha", "eval", "xrevrange"],
};

/**
 * Nobody can log in as it, and nobody is it unasked. It keeps its rights because Redis 7.0 replays its append-only file in
 * its name: without them every transaction in the file, which is every script, is dropped at a restart.
 */
const DEFAULT_USER = "user default off resetpass allkeys allchannels +@all";

/**
 * Patterns of keys by user; `%R` may be read alone. Only engines say what engines serve: whoever may write there tells every
 * gateway which requests it is to refuse.
 */
function listKeys(names: Names): Readonly<Record<RedisUser, readonly string[]>> {
  const intake = [...names.streams, names.bytes, names.result("*")].map((key) => `~${key}`);
  // What was ordered cannot be taken back or read there, only added to.
  const writes = `%W~${names.orders}`;
  const reads = [names.dead, names.dropped, names.lost, names.engines, names.serves("*")].map((key) => `%R~${key}`);
  return {
    gateway: [...intake, `~${names.reply("*")}`, writes, ...reads],
    engine: [`~${names.job}`, `~${names.job}:*`, `~${names.result("*")}`],
    relay: [...intake, `~${names.dead}`],
    operator: [`%R~${names.job}*`],
  };
}

/**
 * What a user may who plays some roles of a job, as rules of Redis's list of users.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
 */
export function renderRights(names: Names, roles: readonly RedisUser[]): string {
  const keys = new Set(roles.flatMap((role) => listKeys(names)[role]));
  const commands = new Set(roles.flatMap((role) => COMMANDS[role]));
  return ["resetchannels", ...keys, "-@all", ...[...commands].map((command) => `+${command}`)].join(" ");
}

/** The lines of Redis's file of users. Passwords are in it as digests. */
export function renderUsers(names: Names, passwords: Readonly<Record<RedisUser, string>>): string {
  const lines = REDIS_USERS.map((user) => {
    const digest = createHash("sha256").update(passwords[user]).digest("hex");
    return `user ${user} on #${digest} ${renderRights(names, [user])}`;
  });
  return [DEFAULT_USER, ...lines, ""].join("\n");
}
