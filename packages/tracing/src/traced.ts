// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Attributes, Span } from "./tracing.ts";

/** Runs something as one step, which ends with it. Throws what `run` throws. */
export async function traced<Result>(span: Span, attributes: Attributes, run: () => Promise<Result>): Promise<Result> {
  try {
    const result = await span.within(run);
    span.end(attributes);
    return result;
  } catch (error) {
    span.end(attributes, error instanceof BulwarkError ? error.code : "BUG");
    throw error;
  }
}
