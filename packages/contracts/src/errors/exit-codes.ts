// SPDX-License-Identifier: Apache-2.0

/** Exit codes of `bulwark`. Stable: scripts and pipelines depend on them. */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  invalid: 3,
  unreachable: 4,
  jobFailed: 5,
  refused: 6,
  notPermitted: 7,
  timedOut: 124,
  interrupted: 130,
} as const;

export type ExitName = keyof typeof EXIT;

/** What each exit code means, for `bulwark help exit-codes` and the reference. */
export const EXIT_MEANING: Readonly<Record<ExitName, string>> = {
  done: "done",
  bug: "a bug in Bulwark",
  usage: "the command was used wrongly",
  invalid: "invalid job file, configuration or set-up",
  unreachable: "cluster, service or network not reachable",
  jobFailed: "the job ran and failed",
  refused: "refused by attestation, policy or a security check",
  notPermitted: "not permitted",
  timedOut: "timed out",
  interrupted: "interrupted",
};
