// SPDX-License-Identifier: Apache-2.0

/** Which versions of a model are loaded: the newest ones by number, those named, or all. */
export type VersionPolicy =
  | { readonly kind: "latest"; readonly count: number }
  | { readonly kind: "specific"; readonly versions: readonly string[] }
  | { readonly kind: "all" };

/** How one model is run. */
export type ModelSettings = {
  readonly versions: VersionPolicy;
  /** A name for a version, for instance `stable: "3"`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Worker threads, each with a copy of the model. */
  readonly instances: number;
  /** Threads within one run of the model. */
  readonly threads: number;
  readonly batch: {
    /** Rows of one run at most; 1 turns batching off. A request with more rows is run alone. */
    readonly maxRows: number;
    /** How long the first request of a batch waits for others, in milliseconds. 0: only for those already there. */
    readonly windowMs: number;
  };
  /** Requests that may wait; the next is refused with ENGINE_BUSY. */
  readonly maxWaiting: number;
  /** A run that takes longer is given up, and its worker with it. */
  readonly runLimitMs: number;
  /** What happens to NaN and infinities among the inputs. */
  readonly nonFinite: "refuse" | "allow";
  /** For a model that makes one token after the other: how its answers become its next inputs. */
  readonly stream?: StreamSettings;
};

/** Which inputs and outputs make a loop of an autoregressive model. */
export type StreamSettings = {
  /** Input of token ids, INT64 or INT32, of shape [1, length] or [length]. */
  readonly tokens: string;
  /** Output with a score for each token of the vocabulary, of which the last position counts, or with the next token's id. */
  readonly next: string;
  /**
   * Outputs that are inputs of the next step, by name of the output. With them a step gets the newest token alone, without
   * them the whole sequence. At first a state is zeros; a free first dimension is 1, other free ones 0.
   */
  readonly state?: Readonly<Record<string, string>>;
  /** Input that is 1 for each token so far, in `state` included. */
  readonly mask?: string;
  /** Input with the place of each token given. */
  readonly positions?: string;
  /** Tokens that end a sequence. */
  readonly end?: readonly number[];
  /** Tokens of one answer, at most; 256 when absent. */
  readonly maxTokens?: number;
};

export const DEFAULT_SETTINGS: ModelSettings = {
  versions: { kind: "latest", count: 1 },
  labels: {},
  instances: 1,
  threads: 1,
  batch: { maxRows: 32, windowMs: 0 },
  maxWaiting: 2048,
  runLimitMs: 60_000,
  nonFinite: "refuse",
};

/** The versions of a policy among those there are, the newest first. */
export function chooseVersions(policy: VersionPolicy, found: readonly string[]): string[] {
  const newestFirst = found.toSorted(compareVersions).reverse();
  switch (policy.kind) {
    case "all":
      return newestFirst;
    case "latest":
      return newestFirst.slice(0, policy.count);
    case "specific":
      return newestFirst.filter((version) => policy.versions.includes(version));
  }
}

/** Orders versions as numbers. */
export function compareVersions(a: string, b: string): number {
  return Number(a) - Number(b);
}
