// SPDX-License-Identifier: Apache-2.0
import type { Progress } from "../../command.ts";

/** Progress that nobody reads. */
export const silentProgress: Progress = {
  step: () => ({ update: () => {}, done: () => {} }),
  aside: () => {},
  note: () => {},
  warn: () => {},
  debug: () => {},
  close: () => {},
};
