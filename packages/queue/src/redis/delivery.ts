// SPDX-License-Identifier: Apache-2.0
import { type Names, PRIORITIES, priorityOf } from "../names.ts";
import type { Delivery, Outcome } from "../record.ts";
import type { Argument } from "./link.ts";
import { readCount, readFields, readInstant } from "./read-entry.ts";

/** An entry of a stream as the record an engine is handed. */
export function readDelivery(
  { stream, id, flat }: { stream: number; id: string; flat: readonly Buffer[] },
  { deliveries, offsetMs }: { deliveries: number; offsetMs: number },
): Delivery {
  const fields = readFields(flat);
  const data = fields.get("data") ?? Buffer.alloc(0);
  const budget = readCount(fields.get("budget"));
  const pick = <Name extends string>(name: Name): { [Key in Name]?: string } => {
    const value = fields.get(name);
    return (value === undefined ? {} : { [name]: value.toString() }) as { [Key in Name]?: string };
  };
  return {
    id,
    priority: priorityOf(stream),
    uri: pick("uri").uri ?? "",
    data,
    keep: fields.has("keep"),
    deliveries,
    // Records of older clients did not count for anything when they came in.
    size: budget === undefined ? 0 : data.byteLength,
    ...pick("serde"),
    ...pick("model"),
    ...pick("reply"),
    ...pick("trace"),
    ...(budget === undefined ? {} : { deadline: readInstant(id) + budget - offsetMs }),
  };
}

/** Adds to keys and arguments of the finishing script what it wants of one record. */
export function writeOutcome(keys: string[], args: Argument[], names: Names, outcome: Outcome): void {
  const { id, priority, uri, reply, keep, size, deliveries } = outcome.delivery;
  const result = names.result(uri);
  const answer = reply === undefined ? result : names.reply(reply);
  const where = reply === undefined ? "hash" : keep ? "both" : "reply";
  keys.push(where === "reply" ? answer : result, answer);
  args.push(PRIORITIES.indexOf(priority) + 1, id, size, where, uri, outcome.value, outcome.reason ?? "", deliveries);
}
