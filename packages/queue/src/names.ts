// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { DEFAULT_JOB, JOB_PATTERN } from "@bulwark/contracts/queue-job";

export { DEFAULT_JOB };

/** How urgent a record is, most urgent first. A record of a lower priority is handed out when no higher one waits. */
export const PRIORITIES = ["high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What records of a stream are, by its number among those of a job. */
export const priorityOf = (stream: number): Priority => PRIORITIES[stream] ?? "normal";

/** The consumer group of every engine, as older clients and engines know it. */
export const GROUP = "serving";
/** Begins the uris of requests whose results a gateway fetches: older clients, who take every result, do not see them. */
export const TICKET_MARK = "~";

const JOB = new RegExp(JOB_PATTERN);
const LONGEST_URI_BYTES = 512;

/** Every key of one job. The stream of normal priority and the results have the names that older clients use. */
export type Names = {
  readonly job: string;
  /** By priority, in the order of `PRIORITIES`. */
  readonly streams: readonly [high: string, normal: string, low: string];
  /** Bytes that wait. */
  readonly bytes: string;
  /** Records that were given up, with the reason. */
  readonly dead: string;
  /** Number of dead letters that were dropped to make room for newer ones. */
  readonly dropped: string;
  /** Number of records that somebody removed from a stream before they were ended. */
  readonly lost: string;
  /** How often a consumer left and gave records back: another number is the reason to look for them at once. */
  readonly left: string;
  /** Sorted set of engines by the instant at which each was last heard of. */
  readonly engines: string;
  /** What an engine says that it serves; gone when it does not go on saying so. */
  serves(engine: string): string;
  /** Stream of what gateways ordered engines to load and unload, sealed. */
  readonly orders: string;
  result(uri: string): string;
  /** Stream with the answers for one gateway. */
  reply(instance: string): string;
};

/** The keys of a job. Throws QUEUE_NAME_INVALID. */
export function nameKeys(job: string): Names {
  if (!JOB.test(job)) {
    const mend = "use letters, digits, dots, dashes and underscores, at most 128";
    throw new BulwarkError("QUEUE_NAME_INVALID", `"${job.slice(0, 80)}" cannot be the name of a stream.`, mend);
  }
  return {
    job,
    streams: [`${job}:high`, job, `${job}:low`],
    bytes: `${job}:bytes`,
    dead: `${job}:dead`,
    dropped: `${job}:dropped`,
    lost: `${job}:lost`,
    left: `${job}:left`,
    engines: `${job}:engines`,
    orders: `${job}:orders`,
    serves: (engine) => `${job}:serves:${engine}`,
    result: (uri) => `cluster-serving_${job}:${uri}`,
    reply: (instance) => `${job}:reply:${instance}`,
  };
}

/** Lets pass what can name a record: older clients cut result keys at colons. Throws QUEUE_URI_INVALID. */
export function checkUri(uri: string): string {
  if (uri !== "" && !uri.includes(":") && !uri.includes("\0") && Buffer.byteLength(uri) <= LONGEST_URI_BYTES)
    return uri;
  throw new BulwarkError(
    "QUEUE_URI_INVALID",
    `"${uri.slice(0, 80)}" cannot be the uri of a record.`,
    `use 1 to ${LONGEST_URI_BYTES} bytes without a colon`,
  );
}

const KEPT_URI = /^~[A-Za-z0-9-]{1,64}\.([A-Za-z0-9_-]{1,400})$/;

/** The uri of a record whose result is kept for its asker; the id is one that nobody can guess. */
export function writeKeptUri(id: string, model: string): string {
  return `${TICKET_MARK}${id}.${Buffer.from(model).toString("base64url")}`;
}

/** The model in a uri that `writeKeptUri` could have written; undefined for any other. */
export function readKeptModel(uri: string): string | undefined {
  const [, model] = KEPT_URI.exec(uri) ?? [];
  return model === undefined ? undefined : Buffer.from(model, "base64url").toString();
}
