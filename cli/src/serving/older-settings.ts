// SPDX-License-Identifier: Apache-2.0
// Settings files of BigDL Cluster Serving.
import { BulwarkError } from "@bulwark/contracts/errors";
import { MODEL_NAME, MODEL_VERSION } from "@bulwark/inference/model-files";
import { type Document, isMap, isSeq } from "yaml";
import type { PlacedModel } from "./place-models.ts";

type Settings = Readonly<Record<string, unknown>>;

/** Keys of `config.yaml`, in small letters, that mean something here; the others are left alone, as there. */
const CONFIG_KEYS = ["modelpath", "postprocessing", "imageresize", "modelparallelism", "jobname"];
const SERVABLES_KEY = "modelMetaDataList";

/** The settings that an older file stands for; undefined when it is none. Throws SERVING_CONFIG. */
export function readOlderSettings(document: Document): Settings | undefined {
  if (!isMap(document.contents)) return undefined;
  if (document.has(SERVABLES_KEY)) return fromServables(document);
  const given = Object.entries(document.toJS() as Settings).map(([key, value]) => [key.toLowerCase(), value] as const);
  return given.some(([key]) => CONFIG_KEYS.includes(key)) ? fromConfig(Object.fromEntries(given)) : undefined;
}

/** `config.yaml`: flat, keys in any case. */
function fromConfig(old: Settings): Settings {
  const [models, job] = [readText("modelPath", old.modelpath), readText("jobName", old.jobname)];
  refuseEncrypted(old, models);
  return {
    ...(models === "" ? {} : { models }),
    ...nameStream(job),
    modelSettings: { "*": { instances: atLeastOne(old.modelparallelism) } },
    older: {
      postProcessing: readText("postProcessing", old.postprocessing),
      ...(old.imageresize === undefined ? {} : { resize: readResize(readText("imageResize", old.imageresize)) }),
    },
  };
}

/** What was encrypted is named here by its cipher and files of secrets, for which the older file has no keys. */
function refuseEncrypted({ modelencrypted, recordencrypted }: Settings, models: string): void {
  const isOn = (value: unknown): boolean => String(value) === "true";
  if (isOn(modelencrypted) && !models.endsWith(".sealed")) {
    const mend = "name what `bulwark model encrypt --from-bigdl CIPHER` makes of it: modelPath: MODEL.onnx.sealed";
    throw refuse("modelEncrypted: the model was encrypted by the older server.", mend);
  }
  if (isOn(recordencrypted)) {
    const mend = "write settings of our own, with older.records: { cipher, secretFile, saltFile }";
    throw refuse("recordEncrypted: the secrets of the records are not in this file.", mend);
  }
}

/** Its comment says height first, but it was handed on as width first. */
function readResize(text: string): { width: number; height: number } {
  const [width = 0, height = 0] = text.split(",").map(Number);
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return { width, height };
  throw new BulwarkError("SERVING_CONFIG", `imageResize "${text.slice(0, 40)}" is no size.`, 'write "224,224"');
}

const KINDS = ["ClusterServingMetaData", "InferenceModelMetaData"];

type Servable = Settings & { readonly modelName: string; readonly modelVersion: string };

/**
 * `servables.yaml`: models with versions in words, their places, copies and limits, and the stream of those behind the
 * queue. Addresses and trust stores of Redis are not taken over: the queue is ours, and its keys are those of the keyring.
 */
function fromServables(document: Document): Settings {
  const items = document.get(SERVABLES_KEY);
  if (!isSeq(items) || items.items.length === 0) throw refuse(`${SERVABLES_KEY} holds no servable.`);
  const servables = items.items.map((item) => readServable(document, item));
  const byModel = [...Map.groupBy(servables, ({ modelName }) => modelName)].map(
    ([model, versions]) => ({ model, versions, numbers: numberVersions(model, versions) }) as const,
  );
  const places = byModel.flatMap(({ model, versions, numbers }) =>
    versions.flatMap(({ modelPath, modelVersion }): PlacedModel[] =>
      typeof modelPath === "string" ? [{ model, version: numbers.get(modelVersion) ?? "", path: modelPath }] : [],
    ),
  );
  const [first, ...others] = byModel;
  return {
    // Where some have no place, all are looked for in the folder that the command names.
    ...(places.length < servables.length ? {} : { models: places }),
    ...nameStream(findJob(servables)),
    modelSettings: Object.fromEntries(byModel.map((one) => [one.model, toModelSettings(one)])),
    ...toClientLimits(servables),
    ...(others.length === 0 ? { older: { model: first?.model } } : {}),
  };
}

function readServable(document: Document, item: unknown): Servable {
  if (!isMap(item) || !KINDS.includes(item.tag ?? "")) throw refuse(`Servables are ${KINDS.join(" or ")}.`);
  const { modelName, modelVersion, ...rest } = item.toJS(document) as Settings;
  if (typeof modelName !== "string" || modelName === "") throw refuse("A servable has no modelName.");
  if (!MODEL_NAME.test(modelName)) {
    throw refuse(
      `modelName "${modelName.slice(0, 80)}" cannot be.`,
      "use letters, digits, dots, dashes and underscores",
    );
  }
  return { ...rest, modelName, modelVersion: readText("modelVersion", modelVersion) };
}

/** The number of each version: its own, or for one such as "1.0" the next that is free, in their order. */
function numberVersions(model: string, versions: readonly Servable[]): ReadonlyMap<string, string> {
  const names = versions.map(({ modelVersion }) => modelVersion);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw refuse(`${model} version "${twice}" is there twice.`, "give each servable its own");
  const taken = new Set(names.filter((name) => MODEL_VERSION.test(name)));
  const numbers = new Map([...taken].map((name) => [name, name]));
  let next = 1;
  for (const name of names.filter((one) => !taken.has(one)).toSorted(compareWords)) {
    while (taken.has(String(next))) next++;
    numbers.set(name, String(next++));
  }
  return numbers;
}

const compareWords = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });

/** Versions that are no numbers become labels, so that paths which name them go on. */
function toModelSettings({
  versions,
  numbers,
}: {
  readonly versions: readonly Servable[];
  readonly numbers: ReadonlyMap<string, string>;
}): Settings {
  const labels = [...numbers].filter(([name, number]) => name !== "" && name !== number);
  return {
    instances: Math.max(...versions.map(({ modelConCurrentNum }) => atLeastOne(modelConCurrentNum))),
    ...(versions.length === 1 ? {} : { versions: { kind: "all" } }),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  };
}

const nameStream = (job: string): { queue?: { job: string } } => (job === "" ? {} : { queue: { job } });

/** The stream that they name, or ""; one server has one. */
function findJob(servables: readonly Servable[]): string {
  const [job = "", other] = new Set(
    servables.map((one) => readText("redisInputQueue", one.redisInputQueue)).filter(Boolean),
  );
  if (other === undefined) return job;
  throw refuse("Servables name several redisInputQueue.", "start one bulwark serve for each of them");
}

/** The lowest limit of all models: here it counts for each caller. */
function toClientLimits(servables: readonly Settings[]): Settings {
  const limited = servables.filter(({ tokenBucketEnabled }) => tokenBucketEnabled === true);
  if (limited.length === 0) return {};
  const rate = Math.min(...limited.map(({ tokensPerSecond = 100 }) => readNumber(tokensPerSecond)));
  if (!(rate > 0)) throw refuse("tokensPerSecond is to be above 0.");
  return { clientLimits: { requestsPerSecond: rate, burst: rate, concurrent: 0 } };
}

function atLeastOne(given: unknown): number {
  const number = readNumber(given ?? 1);
  return Number.isInteger(number) && number > 0 ? number : 1;
}

/** A map has no number, and not every one can be asked for it. */
const readNumber = (value: unknown): number => (typeof value === "object" ? Number.NaN : Number(value));

function readText(key: string, value: unknown): string {
  if (typeof value === "object" && value !== null) throw refuse(`${key} is no text.`);
  return String(value ?? "");
}

function refuse(message: string, mend = "mend the settings file"): BulwarkError {
  return new BulwarkError("SERVING_CONFIG", message, mend);
}
