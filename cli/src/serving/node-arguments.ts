// SPDX-License-Identifier: Apache-2.0

/**
 * Arguments of Node for the processes of serving (bench/README.md has what each gives). `images/serving/entrypoint` has
 * the same.
 *
 * - Helper threads of V8's take the processor from those who answer; small heaps need one.
 * - Bodies and tensors lie outside V8's heap and count towards its limit, which follows from what is alive: with the usual
 *   one a few large requests start a full collection. This one lets ten times as much gather, up to V8's own bound.
 */
export const NODE_ARGUMENTS = ["--v8-pool-size=1", "--heap-growing-percent=900"] as const;
