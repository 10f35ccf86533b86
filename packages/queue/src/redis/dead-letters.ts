// SPDX-License-Identifier: Apache-2.0
import type { Names } from "../names.ts";
import type { Link } from "./link.ts";
import { asList, type RawEntry, readFields, readInstant } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";

/** A record that was given up. Its data stays sealed, and is not read here. */
export type DeadLetter = {
  /** Names it among the dead letters. */
  letter: string;
  /** Id that the record had. */
  id: string;
  uri: string;
  model: string;
  /** Code of the error. */
  reason: string;
  /** How often it had been handed out. */
  deliveries: number;
  /** When it was given up. */
  at: string;
};

/** The newest dead letters of a job, newest first. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export async function listDeadLetters(link: Link, names: Names, most: number): Promise<DeadLetter[]> {
  const entries = asList(await link.send("XREVRANGE", names.dead, "+", "-", "COUNT", most)) as RawEntry[];
  return entries.map(([id, flat]) => {
    const fields = readFields(flat ?? []);
    const read = (name: string): string => fields.get(name)?.toString() ?? "";
    return {
      ...{ letter: String(id), id: read("id"), uri: read("uri"), model: read("model"), reason: read("reason") },
      deliveries: Number(read("deliveries")),
      at: new Date(readInstant(String(id))).toISOString(),
    };
  });
}

/**
 * Lets dead letters be computed again, as new records. Gives those that were put back. A user that takes records in may.
 *
 * @throws BulwarkError QUEUE_FULL, QUEUE_UNREACHABLE, QUEUE_REFUSED
 */
export async function reviveDeadLetters(link: Link, names: Names, letters: readonly string[]): Promise<string[]> {
  if (letters.length === 0) return [];
  const keys = [...names.streams, names.bytes, names.dead];
  const revived = asList(await link.run(SCRIPTS.revive, keys, letters));
  return letters.filter((_, index) => revived[index] === 1);
}

/** Removes dead letters for good. Gives the number of those that were there. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED. */
export async function dropDeadLetters(link: Link, names: Names, letters: readonly string[]): Promise<number> {
  return letters.length === 0 ? 0 : Number(await link.send("XDEL", names.dead, ...letters));
}
