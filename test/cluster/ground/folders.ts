// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { findHome, resolvePaths } from "../../../cli/src/paths.ts";

const cache = resolvePaths(process.env, findHome(process.env)).cache;

/** Outside the checkout, since it takes long to make: programs by version, images by their inputs, and the nodes. */
export const CLUSTER_CACHE = join(cache, "cluster");

/** One folder for each node that runs. */
export const NODES = join(CLUSTER_CACHE, "nodes");
