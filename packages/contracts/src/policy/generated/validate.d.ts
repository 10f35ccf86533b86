// SPDX-License-Identifier: Apache-2.0
import type { Validate } from "../../document/format.ts";

/** The policy's schema, compiled. */
export const validatePolicy: Validate;
