// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { CarriedOut } from "@bulwark/inference";
import { isReached, type Orders, type OrderVerb } from "@bulwark/queue";
import type { HearOrders } from "./hear-engines.ts";

/** Has every engine behind the queue load or unload a model, those that start later included. */
export type EngineOrders = {
  /** Told again and again which orders each engine alive has carried out. */
  hear: HearOrders;
  /**
   * Resolves once every engine that is there has done it.
   *
   * @param give writes the order where engines read it
   * @throws BulwarkError ENGINE_ABSENT, SERVING_UNSUPPORTED (an engine takes no orders; nothing is ordered then),
   *   SERVING_DEADLINE (they go on), what an engine failed with, QUEUE_UNREACHABLE, QUEUE_REFUSED
   */
  order(order: { model: string; verb: OrderVerb }, give: Orders["give"]): Promise<void>;
};

type Parts = { now(): number; pause(ms: number): Promise<unknown> };

/** Loading takes long for a large model; whoever asks is told then that it goes on. */
const LIMIT_MS = 60_000;
const PAUSE_MS = 100;

export function createEngineOrders({ now, pause }: Parts): EngineOrders {
  let engines: ReadonlyMap<string, CarriedOut | undefined> = new Map();

  const requireAble = (): void => {
    if (engines.size === 0) {
      throw new BulwarkError("ENGINE_ABSENT", "No engine is there to be told", "bulwark serving status");
    }
    const unable = [...engines].flatMap(([name, carriedOut]) => (carriedOut === undefined ? [name] : []));
    if (unable.length === 0) return;
    const message = `Of the engines behind the queue ${unable.length} load models only when they start: ${list(unable)}`;
    throw new BulwarkError(
      "SERVING_UNSUPPORTED",
      message,
      "update them, and give them the keyring with the records' key",
    );
  };

  const listBehind = (order: string): string[] =>
    [...engines].flatMap(([name, done]) => (done !== undefined && !isReached(done.upTo, order) ? [name] : []));

  const throwFailure = (order: string): void => {
    for (const [name, done] of engines) {
      const failure = done?.failures.find((one) => one.order === order);
      if (failure === undefined) continue;
      throw new BulwarkError(failure.code, `The engine ${name.slice(0, 80)} says: ${failure.message}`, failure.mend);
    }
  };

  return {
    hear(carriedOut) {
      engines = carriedOut;
    },
    async order({ model, verb }, give) {
      requireAble();
      const order = await give(model, verb);
      const limit = now() + LIMIT_MS;
      while (listBehind(order).length > 0) {
        if (now() > limit) {
          const message = `Not every engine has done it within a minute: ${list(listBehind(order))}`;
          throw new BulwarkError("SERVING_DEADLINE", message, "they go on; look later: bulwark model list");
        }
        await pause(PAUSE_MS);
      }
      throwFailure(order);
    },
  };
}

const list = (names: readonly string[]): string => names.map((name) => name.slice(0, 80)).join(", ");
