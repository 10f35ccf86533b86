// SPDX-License-Identifier: Apache-2.0

/**
 * Arguments of Node for the processes of serving. Their heaps are small, and helper threads of V8's that collect them
 * take the processor from those who answer: with one instead of four, p99 on one core is a quarter lower
 * (bench/README.md). `images/serving/entrypoint` has the same.
 */
export const NODE_ARGUMENTS = ["--v8-pool-size=1"] as const;
