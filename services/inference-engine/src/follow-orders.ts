// SPDX-License-Identifier: Apache-2.0
import type { CarriedOut, Engine } from "@bulwark/inference";
import type { Order, Orders } from "@bulwark/queue";
import { toFailure } from "./failure.ts";
import type { Report } from "./runner.ts";

/** Loads and unloads models as gateways order it. */
export type OrderFollower = {
  /** Carries out what was ordered since the last time; false: nothing was. A call while another goes on joins it. */
  follow(): Promise<boolean>;
  /** For the engine's announcement. */
  carriedOut(): CarriedOut;
};

/** Failures that are told of, of either kind: whoever waits for an order asks each second. */
const MOST_FAILURES = 8;

type Failure = CarriedOut["failures"][number];
type Readable = Extract<Order, { model: string }>;
type Unreadable = Exclude<Order, Readable>;

/**
 * Of several orders for one model the last counts. What is no order is told of beside those that failed, so that whoever
 * adds many of it hides none of them. A model is loaded from the engine's own folder by the engine's own
 * settings and keys: an order names it, and nothing else.
 */
export function followOrders({
  orders,
  engine,
  report,
}: {
  orders: Pick<Orders, "readNew">;
  engine: Pick<Engine, "load" | "unload">;
  report: Report;
}): OrderFollower {
  let upTo = "0-0";
  const failed: Failure[] = [];
  const unread: Failure[] = [];
  let following: Promise<boolean> | undefined;

  const fail = (failures: Failure[], order: string, error: unknown): void => {
    const { code, message, mend } = toFailure(error);
    report("order not carried out", { order, code, message });
    failures.push({ order, code, message, mend });
    if (failures.length > MOST_FAILURES) failures.shift();
  };

  const carryOut = async ({ id, verb, model }: Readable): Promise<void> => {
    try {
      await engine[verb](model);
      report("order carried out", { order: id, verb, model: model.slice(0, 80) });
    } catch (error) {
      fail(failed, id, error);
    }
  };

  const tellUnread = (problems: readonly Unreadable[]): void => {
    const told = problems.slice(-MOST_FAILURES);
    if (told.length < problems.length) report("orders not read", { count: String(problems.length - told.length) });
    for (const { id, problem } of told) fail(unread, id, problem);
  };

  const follow = async (): Promise<boolean> => {
    const fresh = await orders.readNew();
    const last = fresh.at(-1);
    if (last === undefined) return false;
    tellUnread(fresh.filter((order) => "problem" in order));
    const readable = fresh.filter((order) => "model" in order);
    const newest = new Map(readable.map(({ model, id }) => [model, id]));
    for (const order of readable) if (newest.get(order.model) === order.id) await carryOut(order);
    upTo = last.id;
    return true;
  };

  return {
    follow() {
      following ??= follow().finally(() => {
        following = undefined;
      });
      return following;
    },
    carriedOut: () => ({ upTo, failures: [...failed, ...unread] }),
  };
}
