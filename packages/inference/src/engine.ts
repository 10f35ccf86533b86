// SPDX-License-Identifier: Apache-2.0
import type { Tensor, TensorInfo } from "@bulwark/tensors";
import type { StreamSettings } from "./settings.ts";

/** How urgent a request is. One of a lower priority waits while there is one of a higher. */
export type Priority = "high" | "normal" | "low";

/** What accompanies one call of `infer`. */
export type InferOptions = {
  /** Whether nobody waits for the answer any more: a request that was not started is then not computed. */
  isGone?: () => boolean;
  /** Instant in milliseconds since 1970; a request not started by then fails with SERVING_DEADLINE. */
  deadline?: number;
  /** `normal` when absent. */
  priority?: Priority;
  /**
   * A run that was started is awaited beyond the deadline, until it ends or is given up, and so is the run of this request
   * alone where others shared the first: for whoever must know whether it was slow or will never end.
   */
  awaitsRun?: boolean;
  /** Names of the outputs wanted; all when absent. */
  outputs?: readonly string[];
};

/** What a model version takes and gives, once it is ready. */
export type ModelSignature = { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] };

export const VERSION_STATES = ["LOADING", "READY", "UNLOADING", "UNAVAILABLE"] as const;
export type VersionState = (typeof VERSION_STATES)[number];

/** Why a version is not there that somebody took away on purpose. */
export const UNLOADED = "unloaded";

/** One version of a model, as the repository index tells of it. */
export type VersionStatus = {
  readonly model: string;
  readonly version: string;
  readonly state: VersionState;
  /** Why it is not available. */
  readonly reason?: string;
  /** Labels that point to it, for instance `stable`. */
  readonly labels: readonly string[];
};

/** Counts and times since a version was loaded; times are sums, in microseconds. */
export type VersionStatistics = {
  readonly model: string;
  readonly version: string;
  readonly lastInference: number;
  readonly requests: number;
  readonly failures: number;
  /** Rows computed, and runs of the model that computed them. */
  readonly rows: number;
  readonly executions: number;
  /** From arrival to answer. */
  readonly totalUs: number;
  readonly queueUs: number;
  readonly computeUs: number;
  /** Requests that wait now. */
  readonly pending: number;
};

/** A request's share of the run that computed it. */
export type RunShare = {
  /** What the whole run took, in microseconds. */
  readonly computeUs: number;
  /** Rows of this request. */
  readonly rows: number;
  /** Requests that shared the run, this one included. */
  readonly requests: number;
};

/** What an answer carries beside its tensors; `run` where whoever computed it tells. */
export type Inference = {
  readonly model: string;
  readonly version: string;
  readonly outputs: readonly Tensor[];
  readonly run?: RunShare;
};

/** A version as callers need to know it. */
export type Described = ModelSignature & {
  readonly version: string;
  /** Rows of several requests that may share one run; absent where each request has a run of its own. */
  readonly maxRows?: number;
  /** Where the model makes one token after the other. */
  readonly stream?: StreamSettings;
};

/** What is known of models, wherever they are computed: here, or behind a queue. */
export type Catalog = {
  /** Every version of every model known. */
  list(): readonly VersionStatus[];
  /** What a version takes and gives. Throws MODEL_UNKNOWN, MODEL_VERSION_UNKNOWN, MODEL_NOT_READY. */
  describe(model: string, version?: string): Described;
  /** Whether every model that should be there is ready; with a name, whether that one is. */
  isReady(model?: string, version?: string): boolean;
};

/**
 * Models behind one call. It knows no protocol and no queue: tensors in, tensors out. Calls are put together into batches
 * by rows, per version of a model, and each caller gets back its own rows.
 */
export type Engine = Catalog & {
  /**
   * Computes one request.
   *
   * @param version a version, a label, or undefined for the one that the model's policy serves by default
   * @throws BulwarkError MODEL_UNKNOWN, MODEL_VERSION_UNKNOWN, MODEL_NOT_READY, TENSOR_MISSING, TENSOR_UNKNOWN,
   *   TENSOR_DATATYPE, TENSOR_SHAPE, MODEL_FAILED (the model threw), ENGINE_LOST (its worker died: may be tried again),
   *   ENGINE_BUSY (too much waits), SERVING_DEADLINE, SERVING_CANCELLED
   */
  infer(
    model: string,
    version: string | undefined,
    inputs: readonly Tensor[],
    options?: InferOptions,
  ): Promise<Inference>;
  /** Loads the model, or again what changed on disk; resolves when its versions are ready. Throws MODEL_UNKNOWN, MODEL_LOAD_FAILED. */
  load(model: string): Promise<void>;
  /** Ends the workers of a model once what they compute is done, which gives all of its memory back. Throws MODEL_UNKNOWN. */
  unload(model: string): Promise<void>;
  statistics(model?: string, version?: string): readonly VersionStatistics[];
  /** Runs that were given up and go on all the same: only the end of the process gives their cores back. */
  stuck(): number;
  /**
   * Answers what was admitted, refuses the rest, ends every worker. `stuck` counts threads with a run that did not end:
   * they hold up the orderly exit of a process, see {@link endProcess}.
   */
  close(): Promise<{ readonly stuck: number }>;
};
