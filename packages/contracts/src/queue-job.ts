// SPDX-License-Identifier: Apache-2.0
import { STREAM_PATTERN } from "./document/forms.ts";

/** A job of the serving queue is named by the stream of its records: what the name may be, as a pattern, and the usual one. */
export const JOB_PATTERN = STREAM_PATTERN;
export const DEFAULT_JOB = "serving_stream";
