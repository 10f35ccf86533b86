// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Names } from "../names.ts";
import { type FillRandom, makeDataKey, type Place, readDataKey, seal, unseal } from "../sealing/envelope.ts";
import type { RecordKeys } from "../sealing/record-keys.ts";
import type { Link } from "./link.ts";
import { asList, type RawEntry, readFields } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";
import { isAnswer } from "./translate.ts";

/** What gateways may order engines to do with a model that these know already by their own settings. */
export const ORDER_VERBS = ["load", "unload"] as const;
export type OrderVerb = (typeof ORDER_VERBS)[number];

/** An order as it was read; `problem` where it cannot be opened, and is none. */
export type Order = { id: string; model: string; verb: OrderVerb } | { id: string; problem: BulwarkError };

/** Redis forgets the oldest; an engine that starts later does not see them. No reading needs more: what others added waits. */
const MOST_KEPT = 1_000;
/** An order has a name of a model, and a sealed verb with a number. */
const LONGEST_ORDER_BYTES = 4_096;
const FIRST = "0-0";
/** Behind it Redis takes no entry, and cannot be asked. */
const LAST = "18446744073709551615-18446744073709551615";

/**
 * Orders to all engines of a job, present and future. Each is sealed as records are: whoever rules Redis can make none, and
 * change none; he can withhold one, or say one again to an engine that was not there the first time.
 */
export type Orders = {
  /** Gives an order; resolves to its id, which grows with each. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED, QUEUE_FULL. */
  give(model: string, verb: OrderVerb): Promise<string>;
  /**
   * Those after the ones read before, the oldest first, a bounded number of them. What was read once is not read again,
   * whoever repeats it.
   */
  readNew(): Promise<Order[]>;
};

type Parts = { link: Link; names: Names; keys: RecordKeys; fillRandom: FillRandom };

export function openOrders({ link, names, keys, fillRandom }: Parts): Orders {
  const placeOf = (model: string): Place => ({ stream: names.job, uri: "", model });
  const seen = new Set<string>();
  let last = FIRST;

  const read = ([rawId, flat]: RawEntry): Order | undefined => {
    const id = String(rawId);
    try {
      if (flat === null) throw tooLarge();
      const fields = readFields(flat);
      const [model, sealed] = [String(fields.get("model") ?? ""), fields.get("order") ?? Buffer.alloc(0)];
      const place = placeOf(model);
      const content = String(unseal(readDataKey(keys, sealed, place), sealed, ["order", place]));
      const [verb, name = ""] = content.split(" ");
      const known = ORDER_VERBS.find((one) => one === verb);
      if (known === undefined)
        throw new BulwarkError("RECORD_MALFORMED", "An order of an unknown kind.", "update the engine");
      if (seen.has(name)) return undefined;
      seen.add(name);
      return { id, model, verb: known };
    } catch (error) {
      if (error instanceof BulwarkError) return { id, problem: error };
      throw error;
    }
  };

  return {
    async give(model, verb) {
      const place = placeOf(model);
      const content = Buffer.from(`${verb} ${randomUUID()}`);
      const order = seal(makeDataKey(keys, place, fillRandom), content, ["order", place], fillRandom);
      const kept = ["MAXLEN", MOST_KEPT];
      const add = ["XADD", names.orders, ...kept, "*", "model", model, "order", order] as const;
      const id = await link.send(...add).catch(async (error) => {
        // What is of another type orders nothing.
        if (!isAnswer(error, "WRONGTYPE")) throw error;
        await link.send("DEL", names.orders);
        return link.send(...add);
      });
      return String(id);
    },
    async readNew() {
      if (last === LAST) return [];
      const bounds = [`(${last}`, MOST_KEPT, LONGEST_ORDER_BYTES];
      const entries = asList(await link.run(SCRIPTS.orders, [names.orders], bounds)) as RawEntry[];
      last = String(entries.at(-1)?.[0] ?? last);
      return entries.flatMap((entry) => read(entry) ?? []);
    },
  };
}

/** Whether an id is that of an order, or of one after it. */
export function isReached(id: string, order: string): boolean {
  const [ms, sequence] = readId(id);
  const [orderMs, orderSequence] = readId(order);
  return ms > orderMs || (ms === orderMs && sequence >= orderSequence);
}

/** Both parts may be larger than what a number holds exactly: whoever adds an entry may choose its id. */
function readId(id: string): [bigint, bigint] {
  const [ms = "0", sequence = "0"] = id.split("-");
  return [BigInt(ms), BigInt(sequence)];
}

const tooLarge = (): BulwarkError =>
  new BulwarkError("RECORD_MALFORMED", "An order is larger than any can be.", "look who else may write to Redis");
