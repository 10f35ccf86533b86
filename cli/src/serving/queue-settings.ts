// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { parseSizeBytes } from "@bulwark/contracts/job";
import { suggestName } from "@bulwark/contracts/suggest-name";
import { DEFAULT_JOB, type IntakeLimits, nameKeys, type RedisConnectionSettings, toRedisOptions } from "@bulwark/queue";

/** What `queue:` of a settings file says. */
export type QueueSettings = {
  /** Stream of the records. */
  job: string;
  /** Bounds of what may wait, where they are said. */
  limits: Partial<IntakeLimits>;
  /** A Redis that is there already; absent: one is started. */
  redis?: RedisConnectionSettings;
  /** Of a Redis that is started: when records are on disk, and what it may hold. */
  fsync: "everysec" | "always";
  memoryBytes: number;
};

/** What holds without a settings file. */
export const DEFAULT_QUEUE: QueueSettings = { job: DEFAULT_JOB, limits: {}, fsync: "everysec", memoryBytes: 2 ** 30 };

/** Bounds of what may wait in front of a gateway, where nothing else is said. */
export const USUAL_LIMITS: IntakeLimits = { mostRecords: 100_000, mostBytes: 2 ** 28 };

type Given = Readonly<Record<string, unknown>>;
/** Whether a value will do, or why not. */
type Check = (value: unknown) => string | undefined;

const isText: Check = (value) => (typeof value === "string" && value !== "" ? undefined : "is to be a text");
const isSize: Check = (value) => (sizeOf(value) === undefined ? "is to be a size such as 256m" : undefined);
const isCount: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? undefined : "is to be a whole number, 1 or more";
const isFsync: Check = (value) =>
  value === "everysec" || value === "always" ? undefined : "is to be everysec or always";
const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? undefined : "is to hold NAME: VALUE lines";

const KEYS: Readonly<Record<string, Check>> = {
  job: (value) => isText(value) ?? reasonOf(() => nameKeys(String(value))),
  maxRecords: isCount,
  maxSize: isSize,
  fsync: isFsync,
  memory: isSize,
  redis: isObject,
};
const REDIS_KEYS: Readonly<Record<string, Check>> = {
  url: (value) => isText(value) ?? reasonOf(() => toRedisOptions({ url: String(value) })),
  ...{ user: isText, passwordFile: isText, caFile: isText, certificateFile: isText, privateKeyFile: isText },
};
/** What only a Redis of ours can be told. */
const OF_OURS = ["fsync", "memory"];

/**
 * Reads `queue:` of a settings file, its paths resolved.
 *
 * @throws BulwarkError SERVING_CONFIG with every finding
 */
export function readQueueSettings(given: unknown): QueueSettings {
  const findings = findFaults(given);
  const [first] = findings;
  if (first !== undefined) throw new BulwarkError("SERVING_CONFIG", first.message, first.mend, { findings });
  const { job, maxRecords, maxSize, fsync, memory, redis } = given as Given;
  return {
    ...DEFAULT_QUEUE,
    ...(job === undefined ? {} : { job: String(job) }),
    ...(fsync === undefined ? {} : { fsync: fsync as QueueSettings["fsync"] }),
    ...(memory === undefined ? {} : { memoryBytes: sizeOf(memory) ?? DEFAULT_QUEUE.memoryBytes }),
    limits: {
      ...(maxRecords === undefined ? {} : { mostRecords: Number(maxRecords) }),
      ...(maxSize === undefined ? {} : { mostBytes: sizeOf(maxSize) ?? USUAL_LIMITS.mostBytes }),
    },
    ...(redis === undefined ? {} : { redis: redis as RedisConnectionSettings }),
  };
}

function findFaults(given: unknown): Finding[] {
  const misfit = isObject(given);
  if (misfit !== undefined) return [toFinding("queue", misfit)];
  const { redis, ...rest } = given as Given;
  const faults = findMisfits("queue", given as Given, KEYS);
  if (redis === undefined) return [...faults, ...(faults.length === 0 ? findTooLarge(rest) : [])];
  return [
    ...faults,
    ...(isObject(redis) === undefined ? findRedisFaults(redis as Given) : []),
    ...OF_OURS.filter((key) => key in rest).map((key) =>
      toFinding(`queue.${key}`, "is for a Redis that is started here, and queue.redis names another", "leave it out"),
    ),
  ];
}

function findRedisFaults(redis: Given): Finding[] {
  return [
    ...findMisfits("queue.redis", redis, REDIS_KEYS),
    ...(redis.url === undefined ? [toFinding("queue.redis.url", "is missing", "write rediss://HOST:PORT")] : []),
    ...(redis.user !== undefined && redis.passwordFile === undefined
      ? [toFinding("queue.redis.passwordFile", "is missing", "name the file with the password of queue.redis.user")]
      : []),
    ...((redis.certificateFile === undefined) !== (redis.privateKeyFile === undefined)
      ? [toFinding("queue.redis.certificateFile", "and privateKeyFile go together", "name both files, or neither")]
      : []),
  ];
}

/** Redis would be full before the bound is reached. */
function findTooLarge({ maxSize = "256m", memory = "1g" }: Given): Finding[] {
  if (Number(sizeOf(maxSize)) < Number(sizeOf(memory))) return [];
  return [toFinding("queue.maxSize", `is not below queue.memory (${memory})`, "give Redis more memory: queue.memory")];
}

function findMisfits(place: string, given: Given, keys: Readonly<Record<string, Check>>): Finding[] {
  return Object.entries(given).flatMap(([key, value]) => {
    const check = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (check === undefined) {
      const meant = suggestName(key, Object.keys(keys));
      const mend = meant === undefined ? `use one of ${Object.keys(keys).join(", ")}` : `did you mean ${meant}?`;
      return [toFinding(`${place}.${key}`, "is no setting", mend)];
    }
    const misfit = check(value);
    return misfit === undefined ? [] : [toFinding(`${place}.${key}`, misfit)];
  });
}

const toFinding = (path: string, what: string, mend = "mend it in the settings file"): Finding => ({
  ...{ code: "SERVING_CONFIG", message: `${path} ${what}.`, mend, path },
});

function sizeOf(value: unknown): number | undefined {
  try {
    return parseSizeBytes(String(value));
  } catch {
    return undefined;
  }
}

/** What a check of another room says, in the words of a finding. */
function reasonOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return `will not do: ${error.message.replace(/\.$/, "")}; ${error.mend}`;
  }
}
