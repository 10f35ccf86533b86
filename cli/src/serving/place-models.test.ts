// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFolder } from "@bulwark/inference";
import { createTestFolder } from "../testing/context.ts";
import { placeModels } from "./place-models.ts";

const root = createTestFolder();
const folder = join(root, "models");

async function place(path: string): Promise<string> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), "bytes");
  return join(root, path);
}

test("models at several places become one folder that the engine reads, and only those named last", async () => {
  const [plain, sealed, only] = [await place("a.onnx"), await place("b/c.onnx.sealed"), await place("d/e.onnx.bigdl")];
  await place("d/readme.md");
  await placeModels(folder, [{ model: "gone", version: "1", path: plain }]);
  await placeModels(folder, [
    { model: "one", version: "1", path: plain },
    { model: "one", version: 2, path: sealed },
    { model: "two", version: "7", path: join(root, "d") },
  ]);
  const repository = openFolder(folder);
  assert.deepEqual(new Set(await repository.list()), new Set(["one", "two"]));
  const found = [...(await repository.find("one")), ...(await repository.find("two"))];
  assert.deepEqual(
    await Promise.all(found.map(async ({ version, bytes, path }) => [version, bytes, await readlink(path)])),
    [
      ["1", 5, plain],
      ["2", 5, sealed],
      ["7", 5, only],
    ],
  );
});

test("what is no model is refused before anything is changed, with what converts it", async () => {
  await placeModels(folder, [{ model: "kept", version: "1", path: await place("kept.onnx") }]);
  const refused = async (path: string, code: string): Promise<void> => {
    await assert.rejects(placeModels(folder, [{ model: "m", version: "1", path }]), { code });
    assert.deepEqual(await readdir(folder), ["kept"]);
  };
  await refused(join(root, "absent.onnx"), "MODEL_REPOSITORY");
  await refused(await place("openvino/model.xml"), "MODEL_FORMAT");
  await refused(join(root, "openvino"), "MODEL_FORMAT");
  await place("both/a.onnx");
  await place("both/b.onnx");
  await refused(join(root, "both"), "MODEL_REPOSITORY");
});
