// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { isModelFile, MODEL_FILES, MODEL_NAME, MODEL_SUFFIX, MODEL_VERSION } from "./model-files.ts";
import { isSealed, openSealedModel, type UnwrapModelKey } from "./sealed-model.ts";

/** Where a version of a model lies, and what tells it from what lay there before. */
export type ModelFile = {
  readonly version: string;
  readonly path: string;
  readonly bytes: number;
  readonly stamp: string;
};

/** Where models come from. */
export type Repository = {
  /** Names of all models. */
  list(): Promise<string[]>;
  /** The versions of a model; empty when there is none of that name. */
  find(model: string): Promise<ModelFile[]>;
};

/** Formats that people have, by what shows them, with what converts them. */
const OTHER_FORMATS: readonly { file: RegExp; name: string; converter: string }[] = [
  { file: /\.pt$|\.pth$/, name: "PyTorch", converter: "torch.onnx.export (package torch)" },
  {
    file: /\.pb$|\.tflite$|^saved_model/,
    name: "TensorFlow",
    converter: "python -m tf2onnx.convert (package tf2onnx)",
  },
  { file: /\.xml$|\.bin$/, name: "OpenVINO", converter: "the ONNX model from which it was made" },
  { file: /\.keras$|\.h5$|\.hdf5$/, name: "Keras", converter: "python -m tf2onnx.convert (package tf2onnx)" },
  { file: /\.pkl$|\.joblib$/, name: "scikit-learn", converter: "skl2onnx.to_onnx (package skl2onnx)" },
  { file: /\.caffemodel$|\.prototxt$/, name: "Caffe", converter: "caffe2onnx (package caffe2onnx)" },
];

/** A folder of models as Triton and KServe lay it out: `NAME/VERSION/model.onnx`. */
export function openFolder(root: string): Repository {
  return {
    async list() {
      const entries = await readdir(root, { withFileTypes: true }).catch((cause) => {
        throw new BulwarkError("MODEL_REPOSITORY", `${root} is no folder that can be read`, "name a folder of models", {
          cause,
        });
      });
      return entries.filter((entry) => entry.isDirectory() && MODEL_NAME.test(entry.name)).map(({ name }) => name);
    },
    async find(model) {
      if (!MODEL_NAME.test(model)) return [];
      const folder = join(root, model);
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
      const versions = entries.filter((entry) => entry.isDirectory() && MODEL_VERSION.test(entry.name));
      const files = await Promise.all(versions.map(({ name }) => findFile(join(folder, name), name)));
      return files.filter((file) => file !== undefined);
    },
  };
}

/** One model file, served under a name as version 1. Throws MODEL_FORMAT for what is not called `.onnx`. */
export function openFile(path: string, name = basename(path).replace(MODEL_SUFFIX, "")): Repository {
  if (!isModelFile(path)) throw otherFormat(path, [basename(path)]);
  return {
    list: async () => [name],
    find: async (model) => (model === name ? [await describe(path, "1")] : []),
  };
}

async function findFile(folder: string, version: string): Promise<ModelFile | undefined> {
  const names = await readdir(folder);
  const name = MODEL_FILES.find((file) => names.includes(file));
  if (name !== undefined) return describe(join(folder, name), version);
  if (names.length === 0) return undefined;
  throw otherFormat(folder, names);
}

async function describe(path: string, version: string): Promise<ModelFile> {
  const { size, mtimeMs, ino } = await stat(path).catch((cause) => {
    throw new BulwarkError("MODEL_REPOSITORY", `${path} cannot be read`, "name a model file that is there", { cause });
  });
  return { version, path, bytes: size, stamp: `${path} ${ino} ${size} ${mtimeMs}` };
}

function otherFormat(path: string, names: readonly string[]): BulwarkError {
  const found = OTHER_FORMATS.find(({ file }) => names.some((name) => file.test(name)));
  if (found === undefined) {
    const mend = `put the model there as ${MODEL_FILES[0]}`;
    return new BulwarkError("MODEL_FORMAT", `${path} holds no ONNX model`, mend);
  }
  const mend = `convert it to ONNX, with ${found.converter}`;
  return new BulwarkError("MODEL_FORMAT", `${path} is a ${found.name} model; this engine runs ONNX`, mend);
}

/** What opens models that are encrypted; without one, they are refused. */
export type ModelOpeners = {
  unwrap?: UnwrapModelKey | undefined;
  /** Opens what BigDL encrypted. */
  openOlder?: ((file: Buffer) => Promise<Buffer>) | undefined;
};

/** A model as a worker takes it: its path, or what it holds where it had to be decrypted. Throws what opening throws. */
export async function readModel(
  { path }: Pick<ModelFile, "path">,
  { unwrap, openOlder }: ModelOpeners,
): Promise<{ path: string } | { bytes: Uint8Array }> {
  if (path.endsWith(".bigdl")) {
    if (openOlder !== undefined) return { bytes: await openOlder(await readFile(path)) };
    const mend = "bulwark model encrypt --from-bigdl CIPHER, or turn on older.models in the settings";
    throw new BulwarkError("KEY_MISSING", `${path} was encrypted by BigDL, and reading that is off`, mend);
  }
  // ONNX Runtime looks for external weights beside the path that it is given, which may be a link.
  if (!path.endsWith(".sealed")) return { path: await realpath(path) };
  const sealed = await readFile(path);
  if (!isSealed(sealed)) throw new BulwarkError("MODEL_FORMAT", `${path} is not encrypted`, "bulwark model encrypt");
  if (unwrap === undefined) {
    throw new BulwarkError("KEY_MISSING", `${path} is encrypted, and no keys were given`, "bulwark keys init");
  }
  return { bytes: await openSealedModel(sealed, unwrap) };
}
