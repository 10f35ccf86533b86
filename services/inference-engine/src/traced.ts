// SPDX-License-Identifier: Apache-2.0
import { type Tracing, traced } from "@bulwark/tracing";
import type { Computer } from "./compute.ts";

/** Tells of each computation as a step of the trace that its record brought along. */
export function traceComputer(computer: Computer, tracing: Tracing): Computer {
  return {
    ...computer,
    answer(delivery, options) {
      const { model = "", deliveries, trace } = delivery;
      const attributes = { "bulwark.model": model, "bulwark.deliveries": deliveries };
      const span = tracing.begin("compute", "consumer", trace);
      return traced(span, attributes, () => computer.answer(delivery, options));
    },
  };
}
