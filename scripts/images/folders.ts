// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findHome, resolvePaths } from "../../cli/src/paths.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const IMAGES = join(ROOT, "images");

/** Where Spark is installed. */
export const CACHE = resolvePaths(process.env, findHome(process.env)).cache;

/** Archives of images, named by what they are made from, and buildah's own storage. */
export const IMAGE_CACHE = join(CACHE, "images");
