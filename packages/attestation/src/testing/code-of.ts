// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** The code of what an action throws; "none" when it throws nothing. Any other error is rethrown. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return error.code;
  }
  return "none";
}
