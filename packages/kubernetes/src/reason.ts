// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";

/** Why something is as it is, in words and with a mend. */
export type Reason = {
  /** Stable, for programs and tests. */
  kind: ReasonKind;
  words: string;
  mend: string;
  /** Waiting does not help. */
  isFinal: boolean;
  /** Dotted path of the value in the job file that it is about, where it is about one. */
  path?: string;
};

/** Every kind of reason, with the error a command ends with because of it. */
export const REASON_ERRORS = {
  unschedulable: "POD_UNSCHEDULABLE",
  heldBack: "POD_UNSCHEDULABLE",
  imageMissing: "POD_START_FAILED",
  imageNameInvalid: "POD_START_FAILED",
  objectMissing: "POD_START_FAILED",
  runtimeClassMissing: "POD_START_FAILED",
  containerRefused: "POD_START_FAILED",
  podRefused: "POD_START_FAILED",
  quotaExceeded: "POD_START_FAILED",
  outOfMemory: "POD_KILLED",
  evicted: "POD_KILLED",
  nodeLost: "POD_KILLED",
  killed: "POD_KILLED",
  deadline: "TIMED_OUT",
  applicationFailed: "JOB_FAILED",
  configurationRefused: "JOB_INVALID",
  securityRefused: "SECURITY_MISMATCH",
  executorsDied: "EXECUTORS_LOST",
} as const satisfies Record<string, ErrorCode>;

export type ReasonKind = keyof typeof REASON_ERRORS;

/** What Kubernetes says is quoted shortly: some of its messages repeat themselves for pages. */
export const shorten = (text: string, length = 300): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 3)}...`;
};
