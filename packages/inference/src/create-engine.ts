// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Engine, UNLOADED, type VersionState, type VersionStatus } from "./engine.ts";
import { modelUnknown, versionUnknown } from "./refusals.ts";
import { type ModelFile, type ModelOpeners, type Repository, readModel } from "./repository.ts";
import { chooseVersions, compareVersions, type ModelSettings } from "./settings.ts";
import { type LoadedVersion, startVersion } from "./version.ts";
import { type ModelWorker, startModelWorker } from "./worker/host.ts";

export type EngineParts = ModelOpeners & {
  repository: Repository;
  settings(model: string): ModelSettings;
  /** Bytes of memory that this process may use; a model that would not fit is refused. */
  memory?: { limitBytes: number; usedBytes(): number };
  /** Milliseconds since 1970, with fractions. */
  now(): number;
};

type Entry = { file: ModelFile; state: VersionState; reason?: string; loaded?: LoadedVersion };

/** Rough memory of a loaded model beside its file, for every worker: what ONNX Runtime makes of the weights. */
const COPIES = 2;

/** An engine over a repository. Nothing is loaded yet: `load` each model. */
export function createEngine(parts: EngineParts): Engine {
  const models = new Map<string, Map<string, Entry>>();
  const labelsOf = (model: string): [string, string][] => Object.entries(parts.settings(model).labels);

  const entriesOf = (model: string): Map<string, Entry> => {
    const entries = models.get(model);
    if (entries !== undefined) return entries;
    throw modelUnknown(model, models.keys());
  };

  type Route = { version: string; entry: Entry };
  /** What was found before, until a model changes: a request should not have to sort versions. */
  const routes = new Map<string, Route>();

  /** The version meant by a number, a label or nothing: then the newest that is ready. */
  const resolve = (model: string, wanted: string | undefined): Route => {
    const key = wanted === undefined ? model : `${model}\n${wanted}`;
    const known = routes.get(key);
    if (known !== undefined) return known;
    const route = find(model, wanted);
    if (route.entry.state === "READY") routes.set(key, route);
    return route;
  };

  const find = (model: string, wanted: string | undefined): Route => {
    const entries = entriesOf(model);
    const labelled = labelsOf(model).find(([label]) => label === wanted)?.[1] ?? wanted;
    const version = labelled ?? findNewest(entries);
    const entry = version === undefined ? undefined : entries.get(version);
    if (version !== undefined && entry !== undefined) return { version, entry };
    if (wanted === undefined) throw notReady(model, "it is not loaded");
    throw versionUnknown(model, wanted, entries.keys());
  };

  const requireLoaded = (model: string, wanted: string | undefined): { version: string; loaded: LoadedVersion } => {
    const { version, entry } = resolve(model, wanted);
    const { loaded, state } = entry;
    if (loaded?.failure !== undefined) throw loaded.failure;
    if (loaded !== undefined && state === "READY") return { version, loaded };
    throw notReady(model, entry.reason ?? state.toLowerCase());
  };

  /** What models that are being loaded will use. */
  let reserved = 0;
  /** Sets aside what a model needs until it is loaded, and gives what ends that. Throws MODEL_MEMORY. */
  const reserveMemory = (model: string, file: ModelFile, { instances }: ModelSettings): (() => void) => {
    const { memory } = parts;
    const needed = file.bytes * COPIES * instances;
    const left = memory === undefined ? Number.POSITIVE_INFINITY : memory.limitBytes - memory.usedBytes() - reserved;
    if (needed > left) {
      const message = `"${model}" needs about ${toMiB(needed)} MiB; ${toMiB(Math.max(0, left))} MiB are left`;
      const mend = "unload another model, lower its instances, or raise the memory that the process may use";
      throw new BulwarkError("MODEL_MEMORY", message, mend);
    }
    reserved += needed;
    return () => {
      reserved -= needed;
    };
  };

  /** Those whose threads are there still, also of models that could not be loaded. */
  const workers = new Set<ModelWorker>();
  const track = (worker: ModelWorker): ModelWorker => {
    workers.add(worker);
    void worker.exited.then(() => workers.delete(worker));
    return worker;
  };

  const loadVersion = async (model: string, file: ModelFile, entries: Map<string, Entry>): Promise<void> => {
    const settings = parts.settings(model);
    const former = entries.get(file.version);
    if (former?.loaded !== undefined && former.loaded.failure === undefined && former.file.stamp === file.stamp) return;
    const entry: Entry = { file, state: "LOADING" };
    // What is served goes on being served until the new one is ready.
    if (former?.state !== "READY") entries.set(file.version, entry);
    let release = (): void => {};
    try {
      release = reserveMemory(model, file, settings);
      const content = await readModel(file, parts);
      const { threads, runLimitMs } = settings;
      const start = () => track(startModelWorker({ model: content, threads, runLimitMs }));
      entry.loaded = await startVersion({ settings, start, now: parts.now });
      entry.state = "READY";
      entries.set(file.version, entry);
      routes.clear();
      await former?.loaded?.close();
    } catch (error) {
      if (former?.state !== "READY") entry.state = "UNAVAILABLE";
      entry.reason = error instanceof Error ? error.message : String(error);
      throw error;
    } finally {
      release();
    }
  };

  const unloadVersion = async (entry: Entry): Promise<void> => {
    const { loaded } = entry;
    if (loaded === undefined) return;
    entry.state = "UNLOADING";
    routes.clear();
    await loaded.close();
    delete entry.loaded;
    entry.state = "UNAVAILABLE";
    entry.reason = UNLOADED;
  };

  const load = async (model: string): Promise<void> => {
    const files = await parts.repository.find(model);
    if (files.length === 0) {
      throw new BulwarkError("MODEL_UNKNOWN", `The repository holds no model "${model.slice(0, 80)}"`, "put it there");
    }
    const entries = models.get(model) ?? new Map<string, Entry>();
    models.set(model, entries);
    const wanted = chooseVersions(
      parts.settings(model).versions,
      files.map(({ version }) => version),
    );
    if (wanted.length === 0) throw notReady(model, "its settings choose no version of those there are");
    for (const file of files.filter(({ version }) => wanted.includes(version))) await loadVersion(model, file, entries);
    for (const [version, entry] of entries) if (!wanted.includes(version)) await unloadVersion(entry);
  };

  const turns = new Map<string, Promise<void>>();
  /** One change of a model after the other. */
  const inTurn = (model: string, change: () => Promise<void>): Promise<void> => {
    const turn = (turns.get(model) ?? Promise.resolve()).catch(() => {}).then(change);
    turns.set(model, turn);
    return turn;
  };

  const toStatus = (model: string, version: string, { state, reason, loaded }: Entry): VersionStatus => ({
    model,
    version,
    state: loaded?.failure === undefined ? state : "UNAVAILABLE",
    ...(loaded?.failure === undefined ? (reason === undefined ? {} : { reason }) : { reason: loaded.failure.message }),
    labels: labelsOf(model).flatMap(([label, target]) => (target === version ? [label] : [])),
  });

  return {
    async infer(model, version, inputs, options = {}) {
      const found = requireLoaded(model, version);
      return { model, version: found.version, ...(await found.loaded.infer(inputs, options)) };
    },
    list: () =>
      [...models].flatMap(([model, entries]) =>
        [...entries].map(([version, entry]) => toStatus(model, version, entry)),
      ),
    describe(model, wanted) {
      const { version, loaded } = requireLoaded(model, wanted);
      const { stream } = parts.settings(model);
      const { signature, maxRows } = loaded;
      const shared = maxRows > 1 ? { maxRows } : {};
      return { ...signature, version, ...shared, ...(stream === undefined ? {} : { stream }) };
    },
    isReady(model, version) {
      if (model !== undefined) {
        if (version === undefined && findNewest(entriesOf(model)) === undefined) return false;
        const { entry } = resolve(model, version);
        return entry.state === "READY" && entry.loaded?.failure === undefined;
      }
      // What somebody unloaded should not be there.
      const wanted = [...models].filter(([, entries]) =>
        [...entries.values()].some(({ reason }) => reason !== UNLOADED),
      );
      return wanted.every(([name, entries]) => findNewest(entries) !== undefined && this.isReady(name));
    },
    load: (model) => inTurn(model, () => load(model)),
    unload: (model) =>
      inTurn(model, async () => {
        await Promise.all([...entriesOf(model).values()].map(unloadVersion));
      }),
    statistics: (model, version) =>
      [...models].flatMap(([name, entries]) =>
        [...entries].flatMap(([number, { loaded }]) => {
          const isWanted = (model ?? name) === name && (version ?? number) === number;
          return isWanted && loaded !== undefined ? [{ model: name, version: number, ...loaded.statistics() }] : [];
        }),
      ),
    stuck: () => [...workers].filter(({ isStuck }) => isStuck()).length,
    async close() {
      const entries = [...models.values()].flatMap((versions) => [...versions.values()]);
      await Promise.all(entries.map(unloadVersion));
      return { stuck: workers.size };
    },
  };
}

function findNewest(entries: ReadonlyMap<string, Entry>): string | undefined {
  return [...entries]
    .filter(([, { state }]) => state === "READY")
    .map(([version]) => version)
    .toSorted(compareVersions)
    .at(-1);
}

const notReady = (model: string, why: string): BulwarkError =>
  new BulwarkError(
    "MODEL_NOT_READY",
    `The model "${model}" is not ready: ${why}`,
    `load it: bulwark model load ${model}`,
  );

const toMiB = (bytes: number): number => Math.round(bytes / 2 ** 20);
