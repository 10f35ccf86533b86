// SPDX-License-Identifier: Apache-2.0
import type { Names } from "../names.ts";
import type { Link } from "./link.ts";
import { asList, type RawEntry, readFields, readInstant } from "./read-entry.ts";

/** A record that was given up. Its data stays sealed, and is not read here. */
export type DeadLetter = {
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
      ...{ id: read("id"), uri: read("uri"), model: read("model"), reason: read("reason") },
      deliveries: Number(read("deliveries")),
      at: new Date(readInstant(String(id))).toISOString(),
    };
  });
}
