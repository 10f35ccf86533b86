// SPDX-License-Identifier: Apache-2.0
import { type Names, PRIORITIES, priorityOf } from "../names.ts";
import type { Delivery, Outcome, RunShare } from "../record.ts";
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
    requests: readCount(fields.get("requests")) ?? 1,
    deliveries,
    queuedAt: readInstant(id) - offsetMs,
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
  const { delivery, value, reason = "", run } = outcome;
  const { id, priority, uri, reply, keep, size, deliveries } = delivery;
  const result = names.result(uri);
  const answer = reply === undefined ? result : names.reply(reply);
  const where = reply === undefined ? "hash" : keep ? "both" : "reply";
  keys.push(where === "reply" ? answer : result, answer);
  args.push(PRIORITIES.indexOf(priority) + 1, id, size, where, uri, value, reason, deliveries, writeRun(run));
}

const RUN = /^(\d{1,12}) (\d{1,9}) (\d{1,6})$/;

const writeRun = (run: RunShare | undefined): string =>
  run === undefined ? "" : `${Math.round(run.computeUs)} ${run.rows} ${run.requests}`;

/** Reads what an engine told of a run. Undefined for anything else: it stands beside what is sealed, for whoever may write. */
export function readRun(value: Buffer | undefined): RunShare | undefined {
  const [, computeUs, rows, requests] = RUN.exec(value?.toString("latin1") ?? "") ?? [];
  if (computeUs === undefined || Number(requests) === 0) return undefined;
  return { computeUs: Number(computeUs), rows: Number(rows), requests: Number(requests) };
}
