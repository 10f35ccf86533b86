// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Collateral, SnpCollateral } from "../collateral/collateral.ts";
import { parseCollateral, parseSnpCollateral } from "../collateral/parse.ts";
import { type Instant, parseInstant } from "../instant.ts";

const FOLDER = join(import.meta.dirname, "../../../../../shared/vectors/quotes");

/** Why tests over real evidence are skipped; false when it is there. */
export const skipVectors: string | false = existsSync(FOLDER) ? false : "skipped: ../shared/vectors not found";

/** The fields of `expected.json` that tests ask for by name. */
export type Expected = {
  tee: "sgx" | "tdx" | "sev-snp";
  now: string;
  window: { from: string; to: string };
  outcome: "verdict" | "reject";
  rejectReasons: string[];
  complete: boolean;
  reportData: string;
} & Record<string, unknown>;

/** Real evidence with what a right verifier says of it. */
export type Vector = {
  name: string;
  evidence: Buffer;
  expected: Expected;
  now: Instant;
  /** Path of a further file of the vector. */
  read: (file: string) => Buffer;
};

export type QuoteVector = Vector & { collateral: Collateral };
export type SnpVector = Vector & { collateral: SnpCollateral };

const NOTHING: Collateral = { tcbInfo: null, qeIdentity: null, pckCrl: null, rootCaCrl: null };

function readVector(name: string): Vector {
  const read = (file: string): Buffer => readFileSync(join(FOLDER, name, file));
  const expected = JSON.parse(read("expected.json").toString()) as Expected;
  return { name, evidence: read("quote.bin"), expected, now: parseInstant(expected.now), read };
}

const NAMES = skipVectors === false ? readdirSync(FOLDER).sort() : [];

/** Vectors of SGX and TDX. */
export const quoteVectors: readonly QuoteVector[] = NAMES.filter((name) => !name.startsWith("snp-")).map((name) => {
  const vector = readVector(name);
  const hasCollateral = existsSync(join(FOLDER, name, "collateral.json"));
  return {
    ...vector,
    collateral: hasCollateral ? parseCollateral(vector.read("collateral.json").toString()) : NOTHING,
  };
});

/** Vectors of SEV-SNP. */
export const snpVectors: readonly SnpVector[] = NAMES.filter((name) => name.startsWith("snp-")).map((name) => {
  const vector = readVector(name);
  return { ...vector, collateral: parseSnpCollateral(vector.read("collateral.json").toString()) };
});

/** One vector by name. */
export function findQuoteVector(name: string): QuoteVector {
  const found = quoteVectors.find((vector) => vector.name === name);
  if (found === undefined) throw new Error(`there is no vector ${name}`);
  return found;
}
