// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from "../tensor.ts";

/** Parameters of a request or tensor, as the protocol allows them: flat, of three kinds. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** An output that the caller asks for. */
export type RequestedOutput = { readonly name: string; readonly isBinary: boolean; readonly classification?: number };

/** A request of the Open Inference Protocol v2, whatever it came by. */
export type InferRequest = {
  readonly id: string | undefined;
  readonly parameters: Parameters;
  readonly inputs: readonly Tensor[];
  /** All, in the model's order, when absent. */
  readonly outputs: readonly RequestedOutput[] | undefined;
  /** Whether outputs that are not named one by one should be binary (`binary_data_output`). */
  readonly prefersBinary: boolean;
};

/** Its answer. */
export type InferResponse = {
  readonly model: string;
  readonly version: string;
  readonly id: string | undefined;
  readonly outputs: readonly Tensor[];
};
