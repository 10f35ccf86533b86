// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import type { ModelSignature } from "../engine.ts";

/** What a worker is started with. */
export type WorkerStart = {
  /** The model on disk, or what it holds when it had to be decrypted. */
  readonly model: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly threads: number;
  /** How long its first runs, made before anybody waits, may take. */
  readonly runLimitMs: number;
};

/** One run. */
export type RunRequest = { readonly id: number; readonly inputs: readonly Tensor[] };

/** Asks a worker to end. */
export const END = "end";

export type Failure = { readonly code: ErrorCode; readonly message: string; readonly mend: string };

/** What a worker tells. */
export type WorkerReport =
  | { readonly kind: "loaded" }
  | { readonly kind: "ready"; readonly signature: ModelSignature; readonly isRowwise: boolean; readonly note?: string }
  | { readonly kind: "refused"; readonly failure: Failure }
  | { readonly kind: "done"; readonly id: number; readonly outputs: readonly Tensor[]; readonly computeUs: number }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };
