// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NODE_ARGUMENTS } from "./node-arguments.ts";

test("the image starts Node as the tool does", () => {
  const entrypoint = readFileSync(new URL("../../../images/serving/entrypoint", import.meta.url), "utf8");
  const [, image] = /^node="\S+ (.*)"$/m.exec(entrypoint) ?? [];
  assert.deepEqual(image?.split(" "), NODE_ARGUMENTS);
});
