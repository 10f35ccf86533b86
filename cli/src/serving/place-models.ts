// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { isModelFile, MODEL_SUFFIX } from "@bulwark/inference/model-files";

/** A version of a model that lies wherever it lies. */
export type PlacedModel = { readonly model: string; readonly version: string | number; readonly path: string };

/**
 * Makes a folder `NAME/VERSION/model.onnx` of links to models at several places, anew; gives the folder.
 *
 * @throws BulwarkError MODEL_REPOSITORY, MODEL_FORMAT
 */
export async function placeModels(folder: string, places: readonly PlacedModel[]): Promise<string> {
  const files = await Promise.all(places.map(({ path }) => requireModelFile(path)));
  await rm(folder, { recursive: true, force: true });
  for (const [at, { model, version }] of places.entries()) {
    const file = files[at] ?? "";
    const [suffix] = MODEL_SUFFIX.exec(file) ?? [""];
    const place = join(folder, model, String(version));
    await mkdir(place, { recursive: true, mode: 0o700 });
    await symlink(file, join(place, `model${suffix}`));
  }
  return folder;
}

/** The model in a folder that holds exactly one, as folders of BigDL do; any other path as it is. */
export async function findOnlyModel(path: string): Promise<string> {
  const [only, ...others] = (await listFiles(path)).filter(isModelFile);
  return only === undefined || others.length > 0 ? path : join(path, only);
}

const listFiles = (path: string): Promise<string[]> => readdir(path).catch(() => []);

async function requireModelFile(path: string): Promise<string> {
  const found = await findOnlyModel(path);
  const status = await stat(found).catch((cause) => {
    throw new BulwarkError("MODEL_REPOSITORY", `${found} is not there`, "name a model that is", { cause });
  });
  if (status.isFile() && isModelFile(found)) return found;
  // Its refusal names what the files are, and what converts them.
  const { openFile } = await import("@bulwark/inference");
  const [name = ""] = await listFiles(found);
  openFile(join(found, name));
  throw new BulwarkError("MODEL_REPOSITORY", `${found} holds more than one model`, "name one of its files");
}
