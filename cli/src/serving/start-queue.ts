// SPDX-License-Identifier: Apache-2.0
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ERRORS, EXIT } from "@bulwark/contracts/errors";
import type { Keys } from "@bulwark/pki";
import type { IntakeLimits, RedisConnectionSettings, RedisUser } from "@bulwark/queue";
import { writeFileWhole } from "../runs/files.ts";
import { type FlinkOptions, type OwnFlink, startFlink } from "./flink/start-flink.ts";
import { checkGiven } from "./given-redis.ts";
import { nameInstance } from "./instance.ts";
import { keepRunning, type RunningPart } from "./keep-running.ts";
import { limitMemory } from "./limit-memory.ts";
import { NODE_ARGUMENTS } from "./node-arguments.ts";
import { readFailure } from "./read-failure.ts";
import { type OwnRedis, startRedis } from "./redis-server.ts";
import type { Stack } from "./stack.ts";

/** What the queue's side of `bulwark serve` is started with. */
export type QueueOptions = {
  /** Folder of settings, logs and Redis's files; it is made. */
  folder: string;
  keys: Keys;
  job: string;
  /** Master key that seals records; it must be in the keyring. */
  recordKey: string;
  /** Processes of the embedded engine. */
  engines: number;
  /** Flink's engine, alone or beside embedded ones: they share the queue. */
  flink?: Pick<FlinkOptions, "java" | "classPath" | "parallelism">;
  /** The models, as `services/inference-engine` takes them: folder or file, name, settings, answers for older clients. */
  models: Readonly<Record<string, unknown>> & { models: string };
  /** Bounds of what may wait, for the record of the stack: relays keep to them, too. */
  limits?: Partial<IntakeLimits>;
  /** A Redis that is there already, whose one user plays every role. Absent: one is started. */
  redis?: RedisConnectionSettings;
  redisPort: number;
  redisMostBytes: number;
  /** Memory that each engine may use, beyond which it loads no model, and a run of an embedded one fails; 0 or absent: any. */
  memoryBytes?: number;
  fsync: "always" | "everysec";
  env: Readonly<Record<string, string | undefined>>;
  /** Told of parts that ended by themselves, and whether they are left so: else they are started again. */
  onEnd: (part: string, how: string, isLast?: boolean) => void;
};

/** The queue's side of a serving stack: Redis and engines. */
export type QueueParts = {
  /** For the gateway's settings. */
  durable: { redis: RedisConnectionSettings; job: string; keyringFile: string; recordKey: string };
  /** For the record of the stack. */
  record: NonNullable<Stack["queue"]>;
  processes: Readonly<Record<string, RunningPart>>;
  /** Whether what was taken in outlives Redis's process. */
  isDurable: boolean;
  /** Engines end what they have; then Redis ends. Call it after the gateway has ended. */
  stop(): Promise<void>;
};

const ENGINE_GRACE_MS = 15_000;
const REDIS_GRACE_MS = 5_000;

/**
 * Starts Redis, or looks whether the one that is given will do, and starts the engines behind it.
 *
 * @throws BulwarkError REDIS_MISSING, REDIS_START_FAILED; of a given one QUEUE_UNREACHABLE, QUEUE_REFUSED, QUEUE_EVICTS,
 * QUEUE_REDIS_OLD, SERVING_CONFIG, KEYRING_UNSAFE
 */
export async function startQueue(options: QueueOptions): Promise<QueueParts> {
  const { folder, keys, job, recordKey, env, limits = {}, memoryBytes = 0 } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { own, connect, isDurable } = await openRedis(options);
  const instance = await nameInstance(folder);
  const shared = {
    ...{ redis: connect("engine"), job, recordKey, keyringFile: keys.files.keyring, memoryLimitBytes: memoryBytes },
    ...options.models,
  };
  const engines: { name: string; log: string; process: RunningPart }[] = [];
  for (let number = 1; number <= options.engines; number++) {
    const name = `engine-${number}`;
    const settingsFile = join(folder, `${name}.json`);
    const log = join(folder, `${name}.log`);
    const settings = { ...shared, consumer: `embedded-${instance}-${number}`, hasLifeline: true };
    await writeFileWhole(settingsFile, `${JSON.stringify(settings, null, 2)}\n`);
    const program = { command: process.execPath, args: [...NODE_ARGUMENTS, engineMain(), settingsFile] };
    const part = {
      name,
      ...limitMemory(program, memoryBytes),
      log,
      env,
      isFutile: (how: string) => isRefused(how, log),
    };
    const onEnd = (how: string, isLast: boolean): void => options.onEnd(name, explainEnd(how, log), isLast);
    engines.push({ name, log, process: keepRunning(part, onEnd) });
  }
  const flink = await startOwnFlink(options, { ...shared, consumer: `flink-${instance}` });
  const named = engines.map(({ name, process }) => [name, process] as const);
  return {
    durable: { redis: connect("gateway"), job, keyringFile: keys.files.keyring, recordKey },
    record: {
      ...{ job, redis: connect("operator"), relay: connect("relay"), keyringFile: keys.files.keyring, recordKey },
      limits,
      engineLogs: [...engines.map(({ log }) => log), ...(flink?.address.taskManagerLogs ?? [])],
      ...(flink === undefined ? {} : { flink: flink.address }),
      ...(own === undefined ? {} : { redisLog: own.log }),
    },
    processes: {
      ...(own === undefined ? {} : { redis: own.process }),
      ...Object.fromEntries(named),
      ...flink?.processes,
    },
    isDurable,
    async stop() {
      await Promise.all([flink?.stop(), ...engines.map(({ process }) => process.stop(ENGINE_GRACE_MS))]);
      await own?.process.stop(REDIS_GRACE_MS);
    },
  };
}

const REFUSED = `exit code ${EXIT[ERRORS.SERVING_CONFIG.exit]}`;

/** Its settings are as we wrote them, and stay so. Models and keys may come, and Redis be mended. */
const isRefused = (how: string, log: string): boolean => how === REFUSED && readFailure(log)?.code === "SERVING_CONFIG";

/** How an engine ended, and why where it says so; whoever was killed says nothing. */
function explainEnd(how: string, log: string): string {
  const failure = how.startsWith("exit code") ? readFailure(log) : undefined;
  return failure === undefined ? how : `${how}, ${failure.code}: ${failure.message}\n  -> ${failure.mend}`;
}

type OpenRedis = {
  own?: OwnRedis;
  connect(user: RedisUser): RedisConnectionSettings;
  isDurable: boolean;
};

async function openRedis(options: QueueOptions): Promise<OpenRedis> {
  const { redis, job } = options;
  if (redis === undefined) {
    const own = await startOwnRedis(options);
    return { own, connect: own.connection, isDurable: true };
  }
  const { isDurable } = await checkGiven(redis, job);
  return { connect: () => redis, isDurable };
}

function startOwnRedis({ folder, keys, job, env, ...options }: QueueOptions): ReturnType<typeof startRedis> {
  return startRedis({
    ...{ job, env, folder: join(folder, "redis"), files: keys.files.server, port: options.redisPort },
    ...{ mostBytes: options.redisMostBytes, fsync: options.fsync, onEnd: (how) => options.onEnd("redis", how) },
  });
}

/** Starts Flink where it is asked for. */
async function startOwnFlink(
  { folder, keys, flink, env, onEnd }: QueueOptions,
  engine: Readonly<Record<string, unknown>>,
): Promise<OwnFlink | undefined> {
  if (flink === undefined) return undefined;
  return startFlink({ ...flink, folder: join(folder, "flink"), keys, engine, env, onEnd });
}

/** The engine's program: another process, so it is found, not imported. */
function engineMain(): string {
  return createRequire(import.meta.url).resolve("@bulwark/inference-engine/main");
}
