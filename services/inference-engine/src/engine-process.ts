// SPDX-License-Identifier: Apache-2.0
import { totalmem } from "node:os";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import {
  createEngine,
  type Engine,
  isModelFile,
  openFile,
  openFolder,
  openOlderModels,
  openOlderRecords,
  resolveSettings,
  shareMemory,
  UNLOADED,
  unwrapFrom,
  writeAnnouncement,
} from "@bulwark/inference";
import { type Keyring, parseKeyring, selectKeys } from "@bulwark/pki";
import {
  createLink,
  createRandom,
  createWork,
  fingerprintKeys,
  type Link,
  nameKeys,
  openOrders,
  type RedisAddress,
  readRedisAddress,
  toRecordKeys,
  toRedisOptions,
} from "@bulwark/queue";
import { openTracing } from "@bulwark/tracing";
import { Redis } from "ioredis";
import { createComputer } from "./compute.ts";
import { followOrders } from "./follow-orders.ts";
import { type Health, type HealthServer, serveHealth } from "./health.ts";
import { type Report, type Runner, startRunner } from "./runner.ts";
import type { EngineSettings } from "./settings.ts";
import { createTally } from "./tally.ts";
import { traceComputer } from "./traced.ts";

/** Life of answers that a gateway does not fetch. */
const REPLY_TTL_MS = 600_000;

export type EngineProcess = {
  engine: Engine;
  runner: Runner;
  /** `stuck` as the engine's. */
  close(): Promise<{ stuck: number }>;
};

/**
 * Loads the models, then takes records. A model that cannot be loaded is reported and keeps the others from nothing.
 *
 * @throws BulwarkError SERVING_CONFIG, KEYRING_UNSAFE, KEYRING_INVALID, KEY_MISSING, MODEL_REPOSITORY, SERVING_PORT,
 *   ANNOUNCEMENT_TOO_LARGE, and what loading
 *   throws when not one model could be loaded
 */
export async function startEngineProcess(settings: EngineSettings, report: Report): Promise<EngineProcess> {
  const address = await readRedisAddress(settings.redis);
  const keyring =
    settings.keyringFile === undefined ? undefined : parseKeyring(await readSecretFile(settings.keyringFile));
  const engine = await loadModels(settings, keyring, report);
  // What cannot be told of is said now, where somebody reads it.
  writeAnnouncement(engine);
  const [reader, commands] = [dial(address), dial(address)];
  const names = nameKeys(settings.job);
  const work = createWork({ reader, commands, now: Date.now }, names, { ...settings, replyTtlMs: REPLY_TTL_MS });
  const [recordKey] = keyring === undefined ? [] : selectKeys(keyring, [settings.recordKey]).keys;
  const tracing = await openTracing({ endpoint: settings.tracesEndpoint, service: "bulwark-inference-engine" });
  const recordKeys = recordKey === undefined ? undefined : toRecordKeys(recordKey);
  const fillRandom = createRandom();
  const follower =
    recordKeys &&
    followOrders({
      orders: openOrders({ link: commands, names, keys: recordKeys, fillRandom }),
      ...{ engine, report },
    });
  const announced = recordKey && fingerprintKeys(recordKey);
  const announce = (): string =>
    writeAnnouncement(engine, { carriedOut: follower?.carriedOut(), recordKeys: announced });
  const { models: _opened, records, ...older } = settings.older;
  const untraced = createComputer(engine, {
    job: settings.job,
    older: { ...older, ...(records === undefined ? {} : { decrypt: await openOlderRecords(records) }) },
    fillRandom,
    ...(recordKeys === undefined ? {} : { keys: recordKeys }),
  });
  const computer = tracing === undefined ? untraced : traceComputer(untraced, tracing);
  const tally = createTally((name) => engine.list().some(({ model }) => model === name));
  const follow = async (): Promise<boolean> => (await follower?.follow()) ?? false;
  const isUnloaded = (name: string): boolean =>
    engine.list().some(({ model, reason }) => model === name && reason === UNLOADED);
  const parts = { work, computer, announce, follow, isUnloaded, now: Date.now, report, tally };
  const runner = startRunner(parts, { ...settings, mostWaitMs: 60_000 });
  const health = await openHealth(settings, address, {
    isReady: () => runner.isReady() && engine.isReady(),
    counts: () => runner.counts(),
    statistics: () => engine.statistics(),
    tally,
    residentBytes: () => process.memoryUsage.rss(),
  });
  return {
    engine,
    runner,
    async close() {
      await runner.stop();
      const ended = await engine.close();
      for (const link of [reader, commands]) link.close();
      health?.close();
      await tracing?.close();
      return ended;
    },
  };
}

/** With the certificate that Redis is shown. */
async function openHealth(
  { healthPort: port, healthHost: host }: EngineSettings,
  { certificate, privateKey }: RedisAddress,
  health: Health,
): Promise<HealthServer | undefined> {
  if (port === undefined) return undefined;
  const hasTls = certificate !== undefined && privateKey !== undefined;
  return serveHealth(health, { port, host, ...(hasTls ? { tls: { certificate, privateKey } } : {}) });
}

async function loadModels(settings: EngineSettings, keyring: Keyring | undefined, report: Report): Promise<Engine> {
  const memory = { machineBytes: totalmem(), containerBytes: process.constrainedMemory() };
  const { models, modelName, memoryLimitBytes = shareMemory(memory) } = settings;
  const repository = isModelFile(models) ? openFile(models, modelName) : openFolder(models);
  const older = settings.older.models === undefined ? undefined : await openOlderModels(settings.older.models);
  const engine = createEngine({
    repository,
    settings: (model) => resolveSettings(settings.modelSettings, model),
    now: () => performance.timeOrigin + performance.now(),
    ...(keyring === undefined ? {} : { unwrap: unwrapFrom(keyring.keys) }),
    openOlder: older?.open,
    ...(memoryLimitBytes === 0
      ? {}
      : { memory: { limitBytes: memoryLimitBytes, usedBytes: () => process.memoryUsage.rss() } }),
  });
  const names = await repository.list();
  const loads = await Promise.allSettled(names.map((name) => engine.load(name)));
  const failures = loads.flatMap((load, index) =>
    load.status === "rejected" ? [{ model: names[index] ?? "", error: load.reason }] : [],
  );
  for (const { model, error } of failures) {
    report("model not loaded", { model, code: error.code ?? "BUG", message: error.message });
  }
  if (failures[0] !== undefined && failures.length === names.length) throw failures[0].error;
  if (names.length === 0) throw new BulwarkError("MODEL_REPOSITORY", `${models} holds no model.`, "put one there");
  return engine;
}

/** A connection that comes up when it can, and again whenever it was lost. */
function dial(address: RedisAddress): Link {
  const link = createLink(new Redis(toRedisOptions(address)));
  link.connect().catch(() => {});
  return link;
}
