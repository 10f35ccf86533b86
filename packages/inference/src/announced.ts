// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import type { AnnouncedVersion } from "./announcement.ts";
import { type Checked, checkInputs, checkOutputs, hasNonFinite } from "./check-inputs.ts";
import { type Catalog, UNLOADED } from "./engine.ts";
import { modelUnknown, versionUnknown } from "./refusals.ts";
import { compareVersions } from "./settings.ts";

/** A request before it is sent to an engine elsewhere. */
export type Asked = {
  readonly model: string;
  readonly version: string | undefined;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[] | undefined;
};

/** Models of engines elsewhere, known by what these say of them. */
export type AnnouncedCatalog = Catalog & {
  /**
   * Takes what the engines say that are there now, one list for each. While none is there, what was said last goes on being
   * described, since it is what an engine that comes back will take, and nothing of it is ready.
   */
  hear(announcements: readonly (readonly AnnouncedVersion[])[]): void;
  /**
   * Refuses what every engine would refuse, with the same codes: MODEL_UNKNOWN, MODEL_VERSION_UNKNOWN, TENSOR_MISSING,
   * TENSOR_UNKNOWN, TENSOR_DATATYPE, TENSOR_SHAPE, TENSOR_VALUE, and MODEL_NOT_READY for one that was unloaded. What it cannot judge passes.
   * Gives how the request may share a run with others; undefined where it may not, or nobody knows.
   */
  check(asked: Asked): Shared | undefined;
};

/** What requests of one version need to share a run: the same key, and so many rows together at most. */
export type Shared = Checked & { readonly maxRows: number };

type Model = {
  /** By number and by label. */
  readonly byName: ReadonlyMap<string, AnnouncedVersion>;
  readonly versions: readonly AnnouncedVersion[];
  /** The newest that is ready. */
  readonly newest: AnnouncedVersion | undefined;
};

const NOBODY = "no engine is there";

/** @param isOurs whether a model belongs here: engines also tell of those that are computed elsewhere */
export function createAnnouncedCatalog(isOurs: (model: string) => boolean): AnnouncedCatalog {
  let models = new Map<string, Model>();
  let isSomebodyThere = false;
  const wereReady = new Set<string>();

  const find = (name: string, wanted: string | undefined): AnnouncedVersion | undefined => {
    const model = models.get(name);
    if (model === undefined) {
      if (isSomebodyThere) throw modelUnknown(name, models.keys());
      return undefined;
    }
    if (wanted === undefined) return model.newest;
    const found = model.byName.get(wanted);
    if (found === undefined) throw versionUnknown(name, wanted, model.byName.keys());
    return found;
  };

  return {
    hear(announcements) {
      isSomebodyThere = announcements.length > 0;
      if (!isSomebodyThere) return;
      const ours = announcements.flat().filter(({ model }) => isOurs(model));
      models = new Map([...Map.groupBy(ours, ({ model }) => model)].map(([name, said]) => [name, toModel(said)]));
      for (const [name, { newest }] of models) if (newest !== undefined) wereReady.add(name);
    },
    list: () =>
      [...models.values()].flatMap(({ versions }) =>
        versions.map(({ described, ...status }) =>
          isSomebodyThere ? status : { ...status, state: "UNAVAILABLE", reason: NOBODY },
        ),
      ),
    describe(name, wanted) {
      const found = find(name, wanted);
      if (found?.described !== undefined) return found.described;
      throw notReady(name, found?.reason ?? (isSomebodyThere ? "its engines have not loaded it" : NOBODY));
    },
    isReady(name, wanted) {
      if (name !== undefined) return find(name, wanted)?.described !== undefined && isSomebodyThere;
      return models.size > 0 && [...models.keys()].every((one) => wereReady.has(one));
    },
    check({ model, version, inputs, outputs }) {
      // It waits for an engine, which then judges it.
      if (!isSomebodyThere) return undefined;
      const found = find(model, version);
      if (version === undefined ? isUnloaded(models.get(model)) : found?.reason === UNLOADED)
        throw notReady(model, UNLOADED);
      const described = found?.described;
      if (described === undefined) return undefined;
      checkOutputs(outputs, described);
      const { maxRows = 1 } = described;
      const isBatched = maxRows > 1;
      const checked = checkInputs(inputs, described, { isBatched, nonFinite: "allow" });
      // Whether NaN is refused is the engine's to judge, by its settings: nobody else is to be refused with it.
      return isBatched && !inputs.some(hasNonFinite) ? { ...checked, maxRows } : undefined;
    },
  };
}

/** Whether somebody took it away on purpose: what waits for an engine would wait for nothing. */
const isUnloaded = (model: Model | undefined): boolean =>
  model?.versions.every(({ reason }) => reason === UNLOADED) === true;

/** Of what several engines say of one version, that it is ready counts more than that it is not. */
function toModel(said: readonly AnnouncedVersion[]): Model {
  const byVersion = new Map<string, AnnouncedVersion>();
  for (const one of said) {
    const known = byVersion.get(one.version);
    byVersion.set(one.version, known?.described === undefined ? one : withRowsOfBoth(known, one));
  }
  const versions = [...byVersion.values()].toSorted((a, b) => compareVersions(a.version, b.version));
  const labels = versions.flatMap((one) => one.labels.map((label) => [label, one] as const));
  return {
    versions,
    byName: new Map([...versions.map((one) => [one.version, one] as const), ...labels]),
    newest: versions.findLast(({ described }) => described !== undefined),
  };
}

/** Requests share a run, and so many rows, as every engine allows that might get them. */
function withRowsOfBoth(known: AnnouncedVersion, other: AnnouncedVersion): AnnouncedVersion {
  if (known.described === undefined || other.described === undefined) return known;
  const { maxRows = 1, ...described } = known.described;
  const least = Math.min(maxRows, other.described.maxRows ?? 1);
  return { ...known, described: least > 1 ? { ...described, maxRows: least } : described };
}

const notReady = (model: string, why: string): BulwarkError =>
  new BulwarkError(
    "MODEL_NOT_READY",
    `The model "${model.slice(0, 80)}" is not ready: ${why}`,
    "bulwark serving status",
  );
