// SPDX-License-Identifier: Apache-2.0
import type { Validate } from "../../document/format.ts";

/** The schema of the gateway's settings, compiled. */
export const validateGatewaySettings: Validate;
