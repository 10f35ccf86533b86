// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { checkRights, nameKeys, REDIS_USERS, type RedisConnectionSettings, type RedisFacts } from "@bulwark/queue";
import { askRedis } from "./redis-probe.ts";

/**
 * Looks whether a Redis that somebody else runs can be the queue: how old it is, that it throws nothing away, and that its
 * user may play every role of a job. Gives what it says of itself.
 *
 * @throws BulwarkError QUEUE_UNREACHABLE, QUEUE_REFUSED, QUEUE_EVICTS, QUEUE_REDIS_OLD, SERVING_CONFIG, KEYRING_UNSAFE
 */
export async function checkGiven(redis: RedisConnectionSettings, job: string): Promise<RedisFacts> {
  try {
    return await askRedis(redis, async (link, facts) => {
      await checkRights(link, nameKeys(job), { user: redis.user ?? "default", roles: REDIS_USERS });
      return facts;
    });
  } catch (error) {
    throw explainGiven(error, redis.url);
  }
}

/** What can be done here about errors whose usual mend is for a Redis of ours, or for the keys of this machine. */
const MENDS: Partial<Record<ErrorCode, string>> = {
  QUEUE_UNREACHABLE:
    "check the address, that Redis speaks TLS there, and what lies between: a port-forward, a firewall, a network policy",
  KEY_MISSING: "bring the keyring that the engines have, or name another of its keys: --record-key NAME",
};

/** An error about a Redis that somebody else runs, with its address. Others pass as they are. */
export function explainGiven(error: unknown, url: string): unknown {
  const mend = error instanceof BulwarkError ? MENDS[error.code] : undefined;
  if (!(error instanceof BulwarkError) || mend === undefined) return error;
  return new BulwarkError(error.code, `${error.message.replace(/\.$/, "")} (for ${url}).`, mend, { cause: error });
}
