// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import { parseKeyring, selectKeys } from "@bulwark/pki";
import {
  createLink,
  createRandom,
  fingerprintKeys,
  type KeyFingerprint,
  type Link,
  nameKeys,
  type RedisAddress,
  type RedisConnectionSettings,
  readRedisAddress,
  toRecordKeys,
  toRedisOptions,
} from "@bulwark/queue";
import { Redis } from "ioredis";
import type { HearEngines } from "../hear-engines.ts";
import { createDurable, type Durable, type DurableParts } from "./durable.ts";

/** What the gateway is told of the queue. */
export type DurableSettings = {
  redis: RedisConnectionSettings;
  job: string;
  keyringFile: string;
  /** The master key that seals records. */
  recordKey: string;
  mostRecords: number;
  mostBytes: number;
  /** Time a request without a deadline has. */
  budgetMs: number;
};

type Also = Pick<DurableParts, "trace" | "timers"> & {
  /** Given the keys that seal records, gives who hears engines. */
  hear?: ((recordKeys: readonly KeyFingerprint[]) => HearEngines) | undefined;
};

/**
 * Opens delivery through the queue. Redis need not be there yet: requests are refused with QUEUE_UNREACHABLE until it is.
 *
 * @throws BulwarkError SERVING_CONFIG, KEYRING_UNSAFE, KEYRING_INVALID, KEY_MISSING
 */
export async function openDurable(settings: DurableSettings, { hear, ...also }: Also = {}): Promise<Durable> {
  const address = await readRedisAddress(settings.redis);
  const keyring = await readSecretFile(settings.keyringFile, "bulwark keys init --data serving-records");
  const [key] = selectKeys(parseKeyring(keyring), [settings.recordKey]).keys;
  if (key === undefined) throw new BulwarkError("BUG", "A selected key is absent.", "report it");
  const [commands, reader] = [dial(address), dial(address)];
  // Refused or not there: the first look says it in a code, and both go on trying.
  await Promise.allSettled([commands.connect(), reader.connect()]);
  const durable = createDurable({
    commands,
    reader,
    names: nameKeys(settings.job),
    instance: randomUUID(),
    keys: toRecordKeys(key),
    limits: settings,
    budgetMs: settings.budgetMs,
    now: Date.now,
    makeId: randomUUID,
    fillRandom: createRandom(),
    pause: (ms) => delay(ms),
    hear: hear?.(fingerprintKeys(key)),
    ...also,
  });
  await durable.watch.looked;
  return durable;
}

const dial = (address: RedisAddress): Link => createLink(new Redis(toRedisOptions(address)));
