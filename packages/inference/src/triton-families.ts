// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import type { VersionStatistics } from "./engine.ts";

/** Triton's families that are sums of what is counted for a version (triton-inference-server, docs/user_guide/metrics.md). */
export const TRITON_FAMILIES: readonly { name: string; help: string; read: (one: VersionStatistics) => number }[] = [
  { name: "nv_inference_request_success", help: "Requests answered by the model", read: ({ requests }) => requests },
  { name: "nv_inference_count", help: "Rows computed", read: ({ rows }) => rows },
  {
    name: "nv_inference_exec_count",
    help: "Runs of the model, each of one batch",
    read: ({ executions }) => executions,
  },
  { name: "nv_inference_request_duration_us", help: "Time from arrival to answer", read: ({ totalUs }) => totalUs },
  { name: "nv_inference_queue_duration_us", help: "Time spent waiting for a run", read: ({ queueUs }) => queueUs },
  { name: "nv_inference_compute_infer_duration_us", help: "Time of the runs", read: ({ computeUs }) => computeUs },
];

/** Triton's reasons of a failure. */
export type FailureReason = "REJECTED" | "CANCELED" | "BACKEND" | "OTHER";

const REASONS: Readonly<Partial<Record<ErrorCode, FailureReason>>> = {
  ENGINE_BUSY: "REJECTED",
  SERVING_LIMIT: "REJECTED",
  SERVING_STOPPING: "REJECTED",
  QUEUE_FULL: "REJECTED",
  SERVING_CANCELLED: "CANCELED",
  SERVING_DEADLINE: "CANCELED",
  MODEL_FAILED: "BACKEND",
  ENGINE_LOST: "BACKEND",
  ENGINE_ABSENT: "BACKEND",
  MODEL_NOT_READY: "BACKEND",
  QUEUE_DELIVERIES: "BACKEND",
};

/** Why a request failed, in Triton's words; what the caller did wrong is `OTHER`. */
export const reasonOf = (code: ErrorCode): FailureReason => REASONS[code] ?? "OTHER";
