#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The entry. Plain JavaScript: with the cache on before the first TypeScript file, later starts need no type stripping
// at all, which halves their time.
import { mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { BULWARK_CACHE_DIR, XDG_CACHE_HOME, HOME } = process.env;
// As in paths.ts, which cannot be loaded yet.
const base = XDG_CACHE_HOME?.startsWith("/")
  ? XDG_CACHE_HOME
  : join(HOME?.startsWith("/") ? HOME : homedir(), ".cache");
const cache = BULWARK_CACHE_DIR?.startsWith("/") ? BULWARK_CACHE_DIR : join(base, "bulwark");
try {
  // Compiled code is run as it lies there, so the folder is the user's alone.
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  enableCompileCache(join(cache, "compiled"));
} catch {
  // Starting is slower without it, and that is all.
}
await import("./main.ts");
