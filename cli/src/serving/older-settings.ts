// SPDX-License-Identifier: Apache-2.0
// Settings files of BigDL Cluster Serving.
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Document, isMap, isSeq } from "yaml";

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
  return {
    ...(typeof old.modelpath === "string" ? { models: old.modelpath } : {}),
    modelSettings: { "*": { instances: atLeastOne(old.modelparallelism) } },
    older: {
      postProcessing: readText("postProcessing", old.postprocessing),
      ...(old.imageresize === undefined ? {} : { resize: readResize(readText("imageResize", old.imageresize)) }),
    },
  };
}

/** Its comment says height first, but it was handed on as width first. */
function readResize(text: string): { width: number; height: number } {
  const [width = 0, height = 0] = text.split(",").map(Number);
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return { width, height };
  throw new BulwarkError("SERVING_CONFIG", `imageResize "${text.slice(0, 40)}" is no size.`, 'write "224,224"');
}

const KINDS = ["ClusterServingMetaData", "InferenceModelMetaData"];

/**
 * `servables.yaml`: models with versions in words, their copies and limits. Addresses and trust stores of Redis are not
 * taken over: the queue is ours, and its keys are those of the keyring.
 */
function fromServables(document: Document): Settings {
  const items = document.get(SERVABLES_KEY);
  if (!isSeq(items) || items.items.length === 0) throw refuse(`${SERVABLES_KEY} holds no servable.`);
  const servables = items.items.map((item): Settings => {
    if (!isMap(item) || !KINDS.includes(item.tag ?? "")) throw refuse(`Servables are ${KINDS.join(" or ")}.`);
    const { modelName, ...rest } = item.toJS(document) as Settings;
    if (typeof modelName !== "string" || modelName === "") throw refuse("A servable has no modelName.");
    return { modelName, ...rest };
  });
  const names = servables.map(({ modelName }) => String(modelName));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  // Versions of one model are folders here, so that each can be loaded and unloaded.
  if (twice !== undefined)
    throw refuse(`${twice} is there twice.`, `put its versions into ${twice}/1, ${twice}/2 and name it once`);
  const paths = [...new Set(servables.flatMap(({ modelPath }) => (typeof modelPath === "string" ? [modelPath] : [])))];
  if (paths.length > 1) {
    throw refuse(
      "Models are at several places.",
      "put them into one folder NAME/VERSION/model.onnx: bulwark serve FOLDER",
    );
  }
  const [models] = paths;
  const [name] = names;
  return {
    ...(models === undefined ? {} : { models }),
    ...(models !== undefined && names.length === 1 ? { modelName: name } : {}),
    modelSettings: Object.fromEntries(servables.map((one) => [one.modelName, toModelSettings(one)])),
    ...toClientLimits(servables),
    ...(names.length === 1 ? { older: { model: name } } : {}),
  };
}

/** A version such as "1.0" becomes a label of the first version, so that paths which name it go on. */
function toModelSettings({ modelConCurrentNum, modelVersion }: Settings): Settings {
  const version = readText("modelVersion", modelVersion);
  return {
    instances: atLeastOne(modelConCurrentNum),
    ...(version === "" || /^\d+$/.test(version) ? {} : { labels: { [version]: "1" } }),
  };
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
