// SPDX-License-Identifier: Apache-2.0
import type { AnnouncedCatalog, Catalog, Engine } from "@bulwark/inference";
import type { OrderVerb } from "@bulwark/queue";
import { addStatistics, type QueuedStatistics } from "./queued-statistics.ts";

/** Every model that requests can name, wherever it is computed. */
export type Models = Catalog & Pick<Engine, "load" | "unload" | "statistics">;

type Parts = {
  engine: Engine;
  /** Absent where every model is delivered directly. */
  announced: AnnouncedCatalog | undefined;
  queued: QueuedStatistics;
  /** Absent where there is no queue. */
  order: ((model: string, verb: OrderVerb) => Promise<void>) | undefined;
  isQueued(model: string): boolean;
};

/**
 * Models of direct delivery as the engine in this process has them, and those of durable delivery as engines behind the
 * queue tell of them, which are ordered to load and unload theirs.
 */
export function joinModels({ engine, announced, queued, order, isQueued }: Parts): Models {
  const catalogOf = (model: string): Catalog => (isQueued(model) ? (announced ?? engine) : engine);
  const change =
    (verb: OrderVerb) =>
    async (model: string): Promise<void> =>
      order !== undefined && isQueued(model) ? order(model, verb) : engine[verb](model);
  return {
    list: () => [...engine.list(), ...(announced?.list() ?? [])],
    describe: (model, version) => catalogOf(model).describe(model, version),
    isReady: (model, version) =>
      model === undefined
        ? engine.isReady() && announced?.isReady() !== false
        : catalogOf(model).isReady(model, version),
    load: change("load"),
    unload: change("unload"),
    statistics: (model, version) =>
      addStatistics([...engine.statistics(model, version), ...queued.read(model, version)]),
  };
}
