// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { LONGEST_ANNOUNCEMENT_BYTES, readAnnouncement } from "@bulwark/inference/announcement";
import {
  findKeyMismatches,
  fingerprintKeys,
  type KeyFingerprint,
  listEngines,
  nameKeys,
  readAnnouncements,
} from "@bulwark/queue";
import { readRecordKey } from "../record-key.ts";
import { askRedis } from "../redis-probe.ts";
import type { Stack } from "../stack.ts";

type Queue = NonNullable<Stack["queue"]>;

/**
 * Looks whether what each engine alive says can be read, and whether the keys that it opens records with are those of the
 * gateway.
 *
 * @throws BulwarkError RECORD_KEY_MISMATCH, ANNOUNCEMENT_MALFORMED, QUEUE_UNREACHABLE, QUEUE_REFUSED, and what reading the
 *   keyring throws
 */
export async function hearEngines(queue: Queue): Promise<void> {
  const ours = fingerprintKeys(await readRecordKey(queue));
  const said = await readSaid(queue);
  const problems = [...said].flatMap(([engine, bytes]) => judge(engine.slice(0, 80), bytes, ours));
  // Whoever says what cannot be read does not hide it.
  const first = problems.find(({ code }) => code === "RECORD_KEY_MISMATCH") ?? problems[0];
  if (first !== undefined) throw first;
}

/** What each engine alive says of itself, unread. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export function readSaid({ job, redis }: Pick<Queue, "job" | "redis">): Promise<Map<string, Buffer>> {
  const names = nameKeys(job);
  return askRedis(redis, async (link) => {
    const engines = await listEngines(link, names);
    return readAnnouncements(link, names, { engines, mostBytes: LONGEST_ANNOUNCEMENT_BYTES });
  });
}

function judge(engine: string, bytes: Buffer, ours: readonly KeyFingerprint[]): BulwarkError[] {
  try {
    const [foreign] = findKeyMismatches(ours, readAnnouncement(bytes).recordKeys ?? []);
    if (foreign === undefined) return [];
    const message = `Version ${foreign.version} of the key "${foreign.id.slice(0, 64)}" is another one in the engine ${engine}`;
    return [
      new BulwarkError("RECORD_KEY_MISMATCH", message, "give engine and gateway the same keyring, start both again"),
    ];
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    const { code, message, mend } = error;
    return [new BulwarkError(code, `${message} (engine ${engine})`, mend, { cause: error })];
  }
}
