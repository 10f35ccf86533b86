// SPDX-License-Identifier: Apache-2.0
import type { Catalog } from "@bulwark/inference";

/** Shares of a model's requests by version: whole numbers, of which only the ratio counts. */
export type Weights = Readonly<Record<string, number>>;

/** The version that the next request of a model goes to where it names none; undefined for a model without weights. */
export type Split = (model: string) => string | undefined;

/**
 * Spreads requests over versions by their weights, evenly within each round (nginx's smooth weighted round-robin): of ten
 * requests at 90 and 10, exactly one goes to the second, wherever the ten begin. The share of a version that is not
 * ready falls to the others, so that a canary which cannot be loaded fails nobody.
 */
export function createSplit(weights: Readonly<Record<string, Weights>>, catalog: Pick<Catalog, "isReady">): Split {
  const rounds = new Map(Object.entries(weights).map(([model, shares]) => [model, createRound(shares)]));
  return (model) => rounds.get(model)?.((version) => isReady(catalog, model, version));
}

type Round = (isReady: (version: string) => boolean) => string | undefined;

function createRound(shares: Weights): Round {
  const entries = Object.entries(shares).map(([version, weight]) => ({ version, weight, credit: 0 }));
  return (isThere) => {
    const ready = entries.filter(({ version, weight }) => weight > 0 && isThere(version));
    let total = 0;
    let chosen: (typeof entries)[number] | undefined;
    for (const entry of ready) {
      total += entry.weight;
      entry.credit += entry.weight;
      if (chosen === undefined || entry.credit > chosen.credit) chosen = entry;
    }
    if (chosen !== undefined) chosen.credit -= total;
    return chosen?.version;
  };
}

/** A version that nobody has loaded is an error to callers, and here no more than not ready. */
function isReady(catalog: Pick<Catalog, "isReady">, model: string, version: string): boolean {
  try {
    return catalog.isReady(model, version);
  } catch {
    return false;
  }
}

/** Models of which no version would be given a request, one sentence each. */
export function findWeightFaults(weights: Readonly<Record<string, Weights>>): string[] {
  return Object.entries(weights).flatMap(([model, shares]) =>
    Object.values(shares).some((share) => share > 0) ? [] : [`weights.${model} gives no version a share`],
  );
}
