// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** An entry as Redis gives it: id, fields and values in turn; null in place of them when it was removed. */
export type RawEntry = [id: Buffer, fields: Buffer[] | null];

/** Fields of an entry by name. */
export type Fields = ReadonlyMap<string, Buffer>;

export function readFields(flat: readonly Buffer[]): Fields {
  const fields = new Map<string, Buffer>();
  for (let at = 0; at + 1 < flat.length; at += 2) fields.set(String(flat[at]), flat[at + 1] as Buffer);
  return fields;
}

/** The instant of Redis's clock at which an entry was made, in ms: the first part of its id. */
export function readInstant(id: string): number {
  return Number(id.slice(0, id.indexOf("-")));
}

/** A whole number that is not negative, or undefined for anything else: fields come from whoever may write. */
export function readCount(value: Buffer | undefined): number | undefined {
  const text = value === undefined ? "" : value.toString("latin1");
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Lets pass a list. Throws BUG: Redis answers with one wherever this is called. */
export function asList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw new BulwarkError("BUG", "Redis answered in a form that is not expected.", "report it");
}
