// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { AnnouncedCatalog, Catalog, Engine } from "@bulwark/inference";
import { addStatistics, type QueuedStatistics } from "./queued-statistics.ts";

/** Every model that requests can name, wherever it is computed. */
export type Models = Catalog & Pick<Engine, "load" | "unload" | "statistics">;

type Parts = {
  engine: Engine;
  /** Absent where every model is delivered directly. */
  announced: AnnouncedCatalog | undefined;
  queued: QueuedStatistics;
  isQueued(model: string): boolean;
};

/**
 * Models of direct delivery as the engine in this process has them, and those of durable delivery as engines behind the
 * queue tell of them. `load` and `unload` of the latter throw SERVING_UNSUPPORTED.
 */
export function joinModels({ engine, announced, queued, isQueued }: Parts): Models {
  const catalogOf = (model: string): Catalog => (isQueued(model) ? (announced ?? engine) : engine);
  const requireHere = (model: string): Engine => {
    if (!isQueued(model)) return engine;
    throw new BulwarkError(
      "SERVING_UNSUPPORTED",
      `The model "${model.slice(0, 80)}" is delivered through the queue, and loaded by the engines behind it`,
      "change the folder of models there, and start the engines again",
    );
  };
  return {
    list: () => [...engine.list(), ...(announced?.list() ?? [])],
    describe: (model, version) => catalogOf(model).describe(model, version),
    isReady: (model, version) =>
      model === undefined
        ? engine.isReady() && announced?.isReady() !== false
        : catalogOf(model).isReady(model, version),
    load: async (model) => requireHere(model).load(model),
    unload: async (model) => requireHere(model).unload(model),
    statistics: (model, version) =>
      addStatistics([...engine.statistics(model, version), ...queued.read(model, version)]),
  };
}
