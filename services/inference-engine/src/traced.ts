// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tracing } from "@bulwark/tracing";
import type { Computer } from "./compute.ts";

/** Tells of each computation as a step of the trace that its record brought along. */
export function traceComputer(computer: Computer, tracing: Tracing): Computer {
  return {
    ...computer,
    async answer(delivery, options) {
      const { model = "", deliveries, trace } = delivery;
      const span = tracing.begin("compute", "consumer", trace);
      const attributes = { "bulwark.model": model, "bulwark.deliveries": deliveries };
      try {
        const value = await span.within(() => computer.answer(delivery, options));
        span.end(attributes);
        return value;
      } catch (error) {
        span.end(attributes, error instanceof BulwarkError ? error.code : "BUG");
        throw error;
      }
    },
  };
}
