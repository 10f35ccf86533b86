// SPDX-License-Identifier: Apache-2.0

/** A job of the serving queue is named by the stream of its records: what the name may be, as a pattern, and the usual one. */
export const JOB_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$";
export const DEFAULT_JOB = "serving_stream";
