// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Redis } from "ioredis";
import { type Names, nameKeys } from "../names.ts";
import { REDIS_USERS, type RedisUser, renderRights } from "../server/users.ts";
import { findRedisPrograms, type RedisProgram, startTestRedis } from "../testing/index.ts";
import { checkRights } from "./check-rights.ts";
import { createLink, type Link } from "./link.ts";
import { toRedisOptions } from "./options.ts";

const names = nameKeys("clinic");
const ASKED: readonly (readonly RedisUser[])[] = [...REDIS_USERS.map((user) => [user]), REDIS_USERS];

describe("rights of a user", () => {
  for (const program of findRedisPrograms()) {
    it(`are enough as they are rendered, and not with one less: ${program.name}`, () => tryRights(program));
  }
});

async function tryRights(program: RedisProgram): Promise<void> {
  const redis = await startTestRedis(program);
  const admin = await redis.connect();
  const check = async (rules: readonly string[], of: Names, roles: readonly RedisUser[]): Promise<void> => {
    await admin.send("ACL", "SETUSER", "u", "reset", "on", ">p", ...rules);
    const link = createLink(new Redis(toRedisOptions({ url: redis.url, user: "u", password: "p" })));
    try {
      await link.connect();
      await checkRights(link, of, { user: "u", roles });
    } finally {
      link.close();
    }
  };
  try {
    for (const roles of ASKED) {
      const rules = renderRights(names, roles).split(" ");
      await check(rules, names, roles);
      await assert.rejects(check(rules, nameKeys("another"), roles), { code: "QUEUE_REFUSED" });
      // What connecting takes is tried by connecting; ping and the client's name are not needed for more.
      const needed = rules.filter(
        (rule) => rule.startsWith("+") && !/^\+(ping|info|time|client.*|evalsha)$/.test(rule),
      );
      assert.ok(needed.length > 5);
      for (const rule of needed) {
        const fewer = rules.filter((other) => other !== rule);
        await assert.rejects(check(fewer, names, roles), { code: "QUEUE_REFUSED" }, `${roles} without ${rule}`);
      }
    }
    await applyMend(admin, (rules) => check(rules, names, REDIS_USERS));
  } finally {
    await redis.stop();
  }
}

/** The mend of a refusal, as it stands, gives all that was lacking. */
async function applyMend(admin: Link, check: (rules: readonly string[]) => Promise<void>): Promise<void> {
  const refusal = await check(["+eval", "+info"]).then(
    () => assert.fail("accepted"),
    (error) => error,
  );
  const [acl, setuser, user, ...rules] = refusal.mend.split(" ");
  assert.deepEqual([acl, setuser, user], ["ACL", "SETUSER", "u"]);
  await admin.send("ACL", "SETUSER", "u", ...rules);
  await check(rules);
}
