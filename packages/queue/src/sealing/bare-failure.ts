// SPDX-License-Identifier: Apache-2.0
import { ERRORS, type ErrorCode } from "@bulwark/contracts/errors";

/** `serde` of records that are sealed. */
export const SEALED = "bulwark";

const MAGIC = "BWE1";

/** The answer for a sealed record whose key the engine could not open: a code and nothing else, since it is not sealed. */
export function encodeBareFailure(code: ErrorCode): Buffer {
  return Buffer.from(`${MAGIC}${code}`);
}

/** The code of such an answer, or undefined for anything else. Whoever may write to Redis may forge one. */
export function readBareFailure(value: Buffer): ErrorCode | undefined {
  if (value.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const code = value.toString("latin1", MAGIC.length);
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "RECORD_MALFORMED";
}
