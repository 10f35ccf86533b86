// SPDX-License-Identifier: Apache-2.0

/** What a request may hold at most. The size of its body is bounded before, where it is received. */
export type Limits = {
  /** Inputs, or outputs asked for. */
  readonly tensors: number;
  /** Dimensions of one tensor; also the depth to which its JSON may be nested. */
  readonly dimensions: number;
  /** Elements of one tensor. */
  readonly elements: number;
  /** Pixels of one image before it is made smaller. */
  readonly pixels: number;
};

export const DEFAULT_LIMITS: Limits = { tensors: 256, dimensions: 16, elements: 2 ** 26, pixels: 2 ** 26 };
