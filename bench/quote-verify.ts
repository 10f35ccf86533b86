// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { resolvePaths } from "../cli/src/paths.ts";
import { HARDWARE_ROOTS, parseQuote, VerifiedCache, verifyQuote } from "../packages/attestation/src/index.ts";
import { toPeer } from "../packages/attestation/src/testing/differential.ts";
import { findQuoteVector, skipVectors } from "../packages/attestation/src/testing/vectors.ts";
import { readSeconds } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

const VECTOR = "tdx-v4-up-to-date";
const NPM = "@phala/dcap-qvl";
const RUST_VERSION = "0.7.0";
const RUNS = 7;
/** Verifications per run, and fewer where one takes long. */
const MANY = 2000;
const FEW = 200;
const PARSES = 200_000;
/** Single verifications that are timed one by one, and fewer where one takes long. */
const LATENCIES = 10_000;
const COLD_LATENCIES = 500;
const HEAP_STEP = 100_000;
const HEAP_STEPS = 10;

type Peer = { name: string; verify: (count: number) => Promise<number> };

/** Seconds that an action takes so many times, after some rounds to warm up. */
function repeat(count: number, action: () => unknown): number {
  for (let round = 0; round < count / 10; round++) action();
  const startedAt = performance.now();
  for (let round = 0; round < count; round++) action();
  return (performance.now() - startedAt) / 1000;
}

function prepareOurs() {
  if (skipVectors !== false) throw new Error(`real evidence is needed; ${skipVectors}`);
  const { evidence, collateral, now } = findQuoteVector(VECTOR);
  const trustedRoots = HARDWARE_ROOTS;
  const cache = new VerifiedCache();
  return {
    evidence,
    collateral,
    now,
    warm: () => verifyQuote(evidence, collateral, { trustedRoots, now, cache }),
    cold: () => verifyQuote(evidence, collateral, { trustedRoots, now }),
    otherKey: verifyAnew(cache),
    parse: () => parseQuote(evidence),
  };
}

/** As warm, but the quoting enclave's report is verified each time: what the first quote of a platform costs. */
function verifyAnew(cache: VerifiedCache): () => unknown {
  const { evidence, collateral, now } = findQuoteVector(VECTOR);
  const forgetful = new VerifiedCache();
  forgetful.open = (roots, instant) => {
    const recall = cache.open(roots, instant);
    return (kind, texts, make, expiresAt) => (kind === "qeReport" ? make() : recall(kind, texts, make, expiresAt));
  };
  return () => verifyQuote(evidence, collateral, { trustedRoots: HARDWARE_ROOTS, now, cache: forgetful });
}

/** The npm package, called as its own documentation calls it. */
async function prepareNpm(): Promise<Peer & { parse: (count: number) => number }> {
  const { evidence, collateral, now } = findQuoteVector(VECTOR);
  const peer = (await import(createRequire(import.meta.url).resolve(NPM))).default as typeof import("@phala/dcap-qvl");
  const theirs = toPeer(collateral);
  return {
    name: "dcap-qvl-npm",
    verify: async (count) => repeat(count, () => peer.verify(evidence, theirs, now / 1000)),
    parse: (count) => repeat(count, () => peer.Quote.parse(evidence)),
  };
}

/** The Rust library through its Python binding, in a virtual environment that is kept. */
async function prepareRust(): Promise<Peer> {
  const { evidence, collateral, now } = findQuoteVector(VECTOR);
  const { cache } = resolvePaths(process.env, homedir());
  const home = join(cache, "bench", `dcap-qvl-${RUST_VERSION}`);
  const python = join(home, "bin", "python");
  if (!existsSync(join(home, "installed"))) {
    await mkdir(home, { recursive: true });
    await time("python3", ["-m", "venv", home]);
    await time(python, ["-m", "pip", "install", "--quiet", `dcap-qvl==${RUST_VERSION}`]);
    await writeFile(join(home, "installed"), "");
  }
  const folder = await mkdtemp(join(tmpdir(), "bulwark-bench-"));
  process.once("beforeExit", () => void rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, "quote.bin"), evidence);
  await writeFile(join(folder, "collateral.json"), JSON.stringify(toPeer(collateral)));
  const program = join(import.meta.dirname, "quote_verify.py");
  return {
    name: "dcap-qvl-rust",
    verify: async (count) => readSeconds(await time(python, [program, folder, String(count), String(now / 1000)])),
  };
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/**
 * How long single verifications take, since a mean hides the slow ones; and processor time per verification, which says the
 * same on a busy machine.
 */
function sayLatencies(name: string, action: () => unknown, count = LATENCIES): void {
  repeat(count / 10, action);
  const before = process.cpuUsage();
  const milliseconds = Array.from({ length: count }, () => {
    const startedAt = performance.now();
    action();
    return performance.now() - startedAt;
  }).sort((a, b) => a - b);
  const at = (part: number): string => (milliseconds[Math.floor(part * (count - 1))] ?? Number.NaN).toFixed(3);
  const { user, system } = process.cpuUsage(before);
  const cpu = ((user + system) / count / 1000).toFixed(3);
  const perSecond = Math.round((count / milliseconds.reduce((sum, value) => sum + value, 0)) * 1000);
  say(
    `quote-verify ${name}: ${perSecond}/s p50=${at(0.5)} p99=${at(0.99)} p99.9=${at(0.999)} max=${at(1)} cpu=${cpu} unit=ms`,
  );
}

/**
 * Verifications of a real TDX quote: warm (chains, CRLs and documents verified before; the quote's signature always
 * anew) and cold, against two libraries as their documentation calls them; and parsing alone. Seconds are for as many
 * verifications as the name says.
 */
export async function benchQuoteVerify(): Promise<readonly Bench[]> {
  const ours = prepareOurs();
  const [npm, rust] = [await prepareNpm(), await prepareRust()];
  sayLatencies("warm", ours.warm);
  sayLatencies("warm, another attestation key each time", ours.otherKey);
  sayLatencies("cold", ours.cold, COLD_LATENCIES);
  sayLatencies("parse only", ours.parse);
  const compare = (name: string, count: number, action: () => unknown, peer: Peer): Bench => ({
    peerName: peer.name,
    runs: RUNS,
    ours: { [`quote-verify-${name}-x${count}`]: async () => repeat(count, action) },
    peer: () => peer.verify(count),
  });
  return [
    compare("warm", FEW, ours.warm, npm),
    compare("warm", MANY, ours.warm, rust),
    compare("other-key", MANY, ours.otherKey, rust),
    compare("cold", FEW, ours.cold, npm),
    compare("cold", FEW, ours.cold, rust),
    {
      peerName: npm.name,
      runs: RUNS,
      ours: { [`quote-verify-parse-x${PARSES}`]: async () => repeat(PARSES, ours.parse) },
      peer: async () => npm.parse(PARSES),
    },
  ];
}

/** Heap over a million warm verifications: prints it at each step, and compares the last half with the first. */
export async function benchQuoteHeap(): Promise<readonly Bench[]> {
  const { warm } = prepareOurs();
  const megabytes: number[] = [];
  repeat(HEAP_STEP / 10, warm);
  for (let step = 1; step <= HEAP_STEPS; step++) {
    for (let round = 0; round < HEAP_STEP; round++) warm();
    globalThis.gc?.();
    const { heapUsed, external, rss } = process.memoryUsage();
    megabytes.push((heapUsed + external) / 1e6);
    say(
      `quote-heap ${step * HEAP_STEP} verifications: heap ${megabytes.at(-1)?.toFixed(1)} MB, rss ${(rss / 1e6).toFixed(0)} MB`,
    );
  }
  return [];
}
