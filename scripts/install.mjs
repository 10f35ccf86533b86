// SPDX-License-Identifier: Apache-2.0
// Installs what npm brings, once per package-lock.json. Plain JavaScript: it is the first thing that runs in a fresh clone.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runChild } from "./child.mjs";
import { findMissing, MissingProgram } from "./programs.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const WAIT_MS = 200;
const TELL_EVERY_MS = 2_000;

/**
 * Makes node_modules fit package-lock.json. Does nothing, quickly, when it fits already; safe for two at once.
 *
 * @param {{ root?: string, say?: (line: string) => void }} options root: folder of package-lock.json; say: where
 *   progress goes
 * @returns {Promise<{ isFresh: boolean }>} isFresh: something was installed now
 * @throws MissingProgram when there is no npm, or npm fails
 */
export async function ensureInstalled({ root = ROOT, say = (line) => process.stderr.write(`${line}\n`) } = {}) {
  if (isInstalled(root)) return { isFresh: false };
  const release = await takeTurn(root, say);
  try {
    // Whoever had the turn before may have done it.
    if (isInstalled(root)) return { isFresh: false };
    const [missing] = findMissing(["npm"]);
    if (missing !== undefined) throw missing;
    await install(root, say);
    return { isFresh: true };
  } finally {
    release();
  }
}

function stampPath(root) {
  return join(root, "node_modules", ".bulwark-stamp");
}

/** The lock file, and what of it differs from machine to machine. */
function digestLock(root) {
  const lock = readFileSync(join(root, "package-lock.json"));
  return createHash("sha256").update(lock).update(`${process.platform} ${process.arch}`).digest("hex");
}

function isInstalled(root) {
  if (!existsSync(join(root, "node_modules", ".bin", "node"))) return false;
  const digest = digestLock(root);
  if (readIfThere(stampPath(root)) === digest) return true;
  if (!fitsLock(root)) return false;
  // Someone typed `npm ci` by hand.
  writeFileSync(stampPath(root), digest);
  return true;
}

/** Whether npm's own account of node_modules says the same as package-lock.json. */
function fitsLock(root) {
  const installed = readPackages(join(root, "node_modules", ".package-lock.json"));
  const wanted = readPackages(join(root, "package-lock.json"));
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    if (path === "") return true;
    // An optional package may be for another platform.
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

function readPackages(path) {
  return JSON.parse(readIfThere(path) ?? "{}").packages ?? {};
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/**
 * Waits until no other process installs into this folder. The turn is an abstract socket: the kernel gives it to one
 * process alone, and takes it back when that one ends, however it ends.
 */
async function takeTurn(root, say) {
  const name = `\0bulwark-install-${process.getuid?.() ?? 0}-${createHash("sha256").update(root).digest("hex").slice(0, 32)}`;
  for (let told = false; ; told = true) {
    const server = createServer();
    const isOurs = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(name, () => resolve(true));
    });
    if (isOurs) return () => server.close();
    if (!told) say("Waiting for another installation into this folder ...");
    await delay(WAIT_MS);
  }
}

async function install(root, say) {
  const total = Object.keys(readPackages(join(root, "package-lock.json"))).length;
  const startedAt = Date.now();
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  const lines = [];
  let fetched = 0;
  say(`Installing what npm brings (at most ${total} packages) ...`);
  const timer = setInterval(() => say(`  ${fetched} packages fetched, ${seconds()} s`), TELL_EVERY_MS);
  let rest = "";
  const code = await runChild("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=http"], {
    cwd: root,
    onText: (text) => {
      const parts = `${rest}${text}`.split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        if (/^npm http (fetch GET 200|cache) .*\.tgz/.test(line)) fetched++;
        if (!line.startsWith("npm http")) lines.push(line);
      }
    },
  });
  clearInterval(timer);
  if (code !== 0) {
    const shown = [...lines, rest].filter((line) => line.trim() !== "").join("\n");
    throw new MissingProgram(`npm ci failed with exit code ${code}:\n${shown}`, `cd ${JSON.stringify(root)} && npm ci`);
  }
  writeFileSync(stampPath(root), digestLock(root));
  say(`Installing what npm brings ... done in ${seconds()} s`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { isFresh } = await ensureInstalled();
    if (!isFresh) process.stdout.write("node_modules is up to date\n");
  } catch (error) {
    if (!(error instanceof MissingProgram)) throw error;
    process.stderr.write(`${error.message}\n  -> ${error.mend}\n`);
    process.exitCode = 3;
  }
}
