// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { GROUP, type Names } from "../names.ts";
import { type RedisUser, renderRights } from "../server/users.ts";
import type { Link } from "./link.ts";
import { asList } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";

type Command = readonly string[];

/** A script that is known is run without EVAL, so that the look itself does not show whether it may. */
const RUNS_SCRIPTS: readonly Command[] = [
  ["EVAL", "", "0"],
  ["EVALSHA", "", "0"],
];

const looks = ({ streams, bytes, lost, dead, dropped, engines }: Names): Command[] => [
  ["TIME"],
  ...streams.flatMap((stream) => [
    ["XLEN", stream],
    ["XPENDING", stream, GROUP],
    ["XRANGE", stream, "-", "+"],
  ]),
  ["GET", bytes],
  ["GET", lost],
  ["GET", dropped],
  ["XLEN", dead],
  ["ZRANGEBYSCORE", engines, "0", "+inf"],
];

const takesIn = ({ streams, bytes, result }: Names): Command[] => [
  ...RUNS_SCRIPTS,
  ...streams.flatMap((stream) => [
    ["XLEN", stream],
    ["XADD", stream, "*", "uri", ""],
    ["XPENDING", stream, GROUP],
    ["XRANGE", stream, "-", "+"],
    ["XDEL", stream, "0-1"],
  ]),
  ["GET", bytes],
  ["SET", bytes, "0"],
  ["DECRBY", bytes, "0"],
  ["HGET", result("u"), "value"],
  ["DEL", result("u")],
];

/** What each role does at Redis, on keys of every kind that it touches. Scripts run it, or commands of their own. */
const DEEDS: Readonly<Record<RedisUser, (names: Names) => Command[]>> = {
  gateway: (names) => [
    ...takesIn(names),
    ...looks(names),
    ["GET", names.serves("e")],
    ["XREAD", "STREAMS", names.reply("g"), "0"],
    ["XTRIM", names.reply("g"), "MINID", "0"],
  ],
  engine: ({ streams, bytes, dead, dropped, lost, left, engines, serves, result, reply }) => [
    ...RUNS_SCRIPTS,
    ["TIME"],
    ...streams.flatMap((stream) => [
      ["XGROUP", "CREATE", stream, GROUP, "0"],
      ["XGROUP", "DELCONSUMER", stream, GROUP, "e"],
      ["XREADGROUP", "GROUP", GROUP, "e", "STREAMS", stream, ">"],
      ["XACK", stream, GROUP, "0-1"],
      ["XDEL", stream, "0-1"],
      ["XRANGE", stream, "-", "+"],
      ["XPENDING", stream, GROUP],
      ["XCLAIM", stream, GROUP, "e", "0", "0-1"],
      ["XAUTOCLAIM", stream, GROUP, "e", "0", "0"],
      ["PEXPIRE", stream, "0"],
    ]),
    ["DECRBY", bytes, "0"],
    ["SET", bytes, "0"],
    ...[lost, left, dropped].flatMap((counter) => [
      ["INCRBY", counter, "1"],
      ["SET", counter, "1"],
    ]),
    ["XADD", dead, "*", "uri", ""],
    ["XTRIM", dead, "MAXLEN", "1"],
    ["PEXPIRE", dead, "0"],
    ["XADD", reply("g"), "*", "uri", ""],
    ["PEXPIRE", reply("g"), "1"],
    ["HSET", result("u"), "value", ""],
    ["PEXPIRE", result("u"), "1"],
    ["ZADD", engines, "0", "e"],
    ["ZREM", engines, "e"],
    ["ZREMRANGEBYSCORE", engines, "-inf", "0"],
    ["PEXPIRE", engines, "0"],
    ["SET", serves("e"), ""],
    ["PEXPIRE", serves("e"), "1"],
  ],
  relay: (names) => [...takesIn(names), ["SCAN", "0"], ["XRANGE", names.dead, "-", "+"], ["XDEL", names.dead, "0-1"]],
  operator: (names) => [
    ...RUNS_SCRIPTS,
    ...looks(names),
    ["GET", names.serves("e")],
    ["XREVRANGE", names.dead, "+", "-"],
  ],
};

/**
 * Refuses a user who may not do all that some roles do, with the line that gives it the rights. Runs none of it.
 *
 * @throws BulwarkError QUEUE_REFUSED, QUEUE_UNREACHABLE
 */
export async function checkRights(
  link: Link,
  names: Names,
  { user, roles }: { user: string; roles: readonly RedisUser[] },
): Promise<void> {
  const deeds = roles.flatMap((role) => DEEDS[role](names));
  const args = deeds.flatMap((words) => [words.length, ...words]);
  const mend = `ACL SETUSER ${user} resetkeys ${renderRights(names, roles)}`;
  const refused = await link.run(SCRIPTS.refused, [], args).catch((error) => {
    if (!(error instanceof BulwarkError) || !isRight(error.cause)) throw error;
    throw new BulwarkError("QUEUE_REFUSED", `Redis's user ${user} may not run scripts.`, mend, { cause: error });
  });
  const [first, ...rest] = asList(refused).map((number) => deeds[Number(number)]?.slice(0, 2).join(" "));
  if (first === undefined) return;
  const more = rest.length === 0 ? "" : `, and ${rest.length} more`;
  throw new BulwarkError("QUEUE_REFUSED", `Redis's user ${user} may not ${first}${more}.`, mend);
}

const isRight = (cause: unknown): boolean => cause instanceof Error && cause.message.startsWith("NOPERM");
