// SPDX-License-Identifier: Apache-2.0
import type { Validate } from "../../document/format.ts";

/** The job file's schema, compiled. */
export const validateJobFile: Validate;
