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

/** Failures that are told of: whoever waits for an order asks each second. */
const MOST_FAILURES = 8;

/**
 * Of several orders for one model the last counts. A model is loaded from the engine's own folder by the engine's own
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
  const failures: CarriedOut["failures"][number][] = [];
  let following: Promise<boolean> | undefined;

  const fail = (order: string, error: unknown): void => {
    const { code, message, mend } = toFailure(error);
    report("order not carried out", { order, code, message });
    failures.push({ order, code, message, mend });
    if (failures.length > MOST_FAILURES) failures.shift();
  };

  const carryOut = async (order: Order): Promise<void> => {
    try {
      if ("problem" in order) throw order.problem;
      await engine[order.verb](order.model);
      report("order carried out", { order: order.id, verb: order.verb, model: order.model.slice(0, 80) });
    } catch (error) {
      fail(order.id, error);
    }
  };

  const follow = async (): Promise<boolean> => {
    const fresh = await orders.readNew();
    const last = fresh.at(-1);
    if (last === undefined) return false;
    const newest = new Map(fresh.flatMap((order) => ("model" in order ? [[order.model, order.id] as const] : [])));
    for (const order of fresh) {
      if (!("model" in order) || newest.get(order.model) === order.id) await carryOut(order);
    }
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
    carriedOut: () => ({ upTo, failures }),
  };
}
