// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type AnnouncedCatalog, type Catalog, type Engine, modelUnknown, type VersionStatus } from "@bulwark/inference";
import type { OrderVerb } from "@bulwark/queue";
import { addStatistics, type QueuedStatistics } from "./queued-statistics.ts";
import type { SilentModels } from "./silent-models.ts";

/** Every model that requests can name, wherever it is computed. */
export type Models = Catalog &
  Pick<Engine, "load" | "unload" | "statistics"> & {
    /** MODEL_UNKNOWN with the names of all models, since those who compute them know their own alone; other errors as they are. */
    withNames(error: unknown, model: string): unknown;
  };

type Parts = {
  engine: Engine;
  /** Absent where every model is delivered directly. */
  announced: AnnouncedCatalog | undefined;
  queued: QueuedStatistics;
  /** Absent where there is no queue. */
  order: ((model: string, verb: OrderVerb) => Promise<void>) | undefined;
  /** Versions that do not answer are not ready. */
  silent: SilentModels;
  isQueued(model: string): boolean;
};

/**
 * Models of direct delivery as the engine in this process has them, and those of durable delivery as engines behind the
 * queue tell of them, which are ordered to load and unload theirs.
 */
export function joinModels({ engine, announced, queued, order, silent, isQueued }: Parts): Models {
  const catalogOf = (model: string): Catalog => (isQueued(model) ? (announced ?? engine) : engine);
  const withSilence = (status: VersionStatus): VersionStatus => {
    const code = silent.why(status.model, status.version);
    if (code === undefined || status.state !== "READY") return status;
    return { ...status, state: "UNAVAILABLE", reason: `it does not answer: ${code}` };
  };
  /** Of a model that is ready. */
  const isSilent = (model: string, version: string | undefined): boolean =>
    silent.why(model, catalogOf(model).describe(model, version).version) !== undefined;
  const change =
    (verb: OrderVerb) =>
    async (model: string): Promise<void> => {
      // Before, since what is asked meanwhile may go to neither; and behind, since it may have been asked of the old one.
      silent.forget(model);
      await (order !== undefined && isQueued(model) ? order(model, verb) : engine[verb](model));
      silent.forget(model);
    };
  const list = (): VersionStatus[] => [...engine.list(), ...(announced?.list() ?? [])].map(withSilence);
  const withNames = (error: unknown, model: string): unknown =>
    error instanceof BulwarkError && error.code === "MODEL_UNKNOWN"
      ? modelUnknown(model, new Set(list().map((status) => status.model)))
      : error;
  return {
    list,
    withNames,
    describe(model, version) {
      try {
        return catalogOf(model).describe(model, version);
      } catch (error) {
        throw withNames(error, model);
      }
    },
    isReady: (model, version) =>
      model === undefined
        ? // An outage of engines elsewhere takes no gateway out of its Service (ADR 0024).
          engine.isReady() && announced?.isReady() !== false && !silent.some((one) => !isQueued(one))
        : catalogOf(model).isReady(model, version) && !isSilent(model, version),
    load: change("load"),
    unload: change("unload"),
    statistics: (model, version) =>
      addStatistics([...engine.statistics(model, version), ...queued.read(model, version)]),
  };
}
