// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Announcement, LONGEST_ANNOUNCEMENT_BYTES, readAnnouncement } from "@bulwark/inference/announcement";
import { listEngines, nameKeys, readAnnouncements } from "@bulwark/queue";
import { askRedis } from "../redis-probe.ts";
import type { Stack } from "../stack.ts";

/** Looks whether what each engine alive says can be read. Throws ANNOUNCEMENT_MALFORMED, QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export async function hearEngines({ redis, job }: NonNullable<Stack["queue"]>): Promise<void> {
  const names = nameKeys(job);
  const said = await askRedis(redis, async (link) => {
    const engines = await listEngines(link, names);
    return readAnnouncements(link, names, { engines, mostBytes: LONGEST_ANNOUNCEMENT_BYTES });
  });
  for (const [engine, bytes] of said) read(engine, bytes);
}

function read(engine: string, bytes: Buffer): Announcement {
  try {
    return readAnnouncement(bytes);
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    const { code, message, mend } = error;
    throw new BulwarkError(code, `${message} (engine ${engine.slice(0, 80)})`, mend, { cause: error });
  }
}
