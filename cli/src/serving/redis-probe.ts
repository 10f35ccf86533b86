// SPDX-License-Identifier: Apache-2.0
import {
  checkRedis,
  createLink,
  type Link,
  type RedisConnectionSettings,
  type RedisFacts,
  readRedisAddress,
  toRedisOptions,
} from "@bulwark/queue";
import { Redis } from "ioredis";

const TIMEOUT_MS = 2_000;

/** Connects, looks whether Redis can be trusted with records, asks, and hangs up. Throws what `checkRedis` throws. */
export async function askRedis<Value>(
  settings: RedisConnectionSettings,
  ask: (link: Link, facts: RedisFacts) => Promise<Value>,
): Promise<Value> {
  const address = await readRedisAddress({ ...settings, timeoutMs: settings.timeoutMs ?? TIMEOUT_MS });
  const redis = new Redis({ ...toRedisOptions(address), retryStrategy: () => null });
  const link = createLink(redis);
  try {
    await link.connect();
    return await ask(link, await checkRedis(link));
  } finally {
    link.close();
  }
}
