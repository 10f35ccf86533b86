// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { isFloating, type Tensor } from "@bulwark/tensors";

/** How the next token is chosen among scores. */
export type Sampling = {
  /** 0: always the likeliest. */
  readonly temperature: number;
  /** Only among so many of the likeliest; 0: among all. */
  readonly topK: number;
  /** Only among the fewest of the likeliest whose probabilities add up to this (nucleus sampling); 1: among all. */
  readonly topP: number;
  /** The same seed gives the same choices; undefined for new ones each time. */
  readonly seed: number | undefined;
  readonly maxTokens: number;
};

/** Reads parameters of a request: temperature, top_k, top_p, seed, max_tokens. Throws SERVING_REQUEST. */
export function readSampling(parameters: Readonly<Record<string, unknown>>, most: number): Sampling {
  const read = (name: string, isRight: (value: number) => boolean, wanted: string): number | undefined => {
    const value = parameters[name];
    if (value === undefined || (typeof value === "number" && isRight(value))) return value;
    throw new BulwarkError("SERVING_REQUEST", `${name} is to be ${wanted}`, "send another value, or leave it out");
  };
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  return {
    temperature: read("temperature", (value) => value >= 0 && value <= 100, "a number from 0 to 100") ?? 0,
    topK: read("top_k", isWhole, "a whole number from 0 on") ?? 0,
    topP: read("top_p", (value) => value > 0 && value <= 1, "a number above 0 and up to 1") ?? 1,
    seed: read("seed", isWhole, "a whole number from 0 on"),
    maxTokens: read("max_tokens", (value) => isWhole(value) && value > 0 && value <= most, `from 1 to ${most}`) ?? most,
  };
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function seedRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The next token from an output of the model: an id, or scores of which the last position counts. Throws MODEL_FAILED. */
export function chooseToken(output: Tensor | undefined, sampling: Sampling, random: () => number): number {
  if (output === undefined || output.datatype === "BYTES" || output.data.length === 0) throw nothing();
  const { shape, data, datatype } = output;
  if (!isFloating(datatype)) return Number(data.at(-1));
  const width = shape.at(-1) ?? 1;
  const scores = (data as Float32Array).subarray(data.length - width);
  return sampling.temperature === 0 ? findLikeliest(scores) : sample(scores, sampling, random);
}

function findLikeliest(scores: Float32Array): number {
  let best = -1;
  for (let token = 0; token < scores.length; token++) {
    // NaN is never larger.
    if (best === -1 ? !Number.isNaN(scores[token]) : (scores[token] ?? 0) > (scores[best] ?? 0)) best = token;
  }
  if (best === -1) throw nothing();
  return best;
}

function sample(scores: Float32Array, { temperature, topK, topP }: Sampling, random: () => number): number {
  const likeliest = scores[findLikeliest(scores)] ?? 0;
  if (!Number.isFinite(likeliest)) throw nothing();
  const all = Uint32Array.from(scores.keys());
  if (topK > 0 || topP < 1) all.sort((a, b) => rank(scores, a, b));
  const tokens = topK === 0 ? all : all.subarray(0, topK);
  // The largest is taken away first, so that no power overflows.
  const ranked = Float64Array.from(tokens, (token) => {
    const weight = Math.exp(((scores[token] ?? 0) - likeliest) / temperature);
    return Number.isNaN(weight) ? 0 : weight;
  });
  const weights = topP < 1 ? takeNucleus(ranked, topP) : ranked;
  let left = random() * add(weights);
  for (const [at, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return tokens[at] ?? 0;
  }
  return findLikeliest(scores);
}

const add = (weights: Float64Array): number => weights.reduce((sum, weight) => sum + weight, 0);

/** The fewest of the first weights that reach a share of all (Holtzman et al., The Curious Case of Neural Text Degeneration). */
function takeNucleus(weights: Float64Array, share: number): Float64Array {
  const wanted = share * add(weights);
  let reached = 0;
  const last = weights.findIndex((weight) => {
    reached += weight;
    return reached >= wanted;
  });
  return last === -1 ? weights : weights.subarray(0, last + 1);
}

/** The likelier first; NaN last. */
function rank(scores: Float32Array, a: number, b: number): number {
  const [first, second] = [scores[a] ?? 0, scores[b] ?? 0];
  if (Number.isNaN(first)) return Number.isNaN(second) ? 0 : 1;
  return Number.isNaN(second) ? -1 : second - first;
}

const nothing = (): BulwarkError =>
  new BulwarkError("MODEL_FAILED", "The model scored no token", "look at the model's outputs with infer");
