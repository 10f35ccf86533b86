// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { deriveStatus, type JobStatus, type Pod, reducePod } from "@bulwark/kubernetes";
import { createPatience } from "./patience.ts";

beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** What a pod is at: the reason its container waits for, or nothing where it runs. */
type At = "runs" | "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ContainerCreating";

/** A moment of a job: its driver, its executors by number, and tasks that are done. */
type Moment = { driver?: At; executors?: Readonly<Record<number, At>>; tasks?: number };

function makePod(name: string, role: string, at: At, extra: { number?: string; tasks?: number } = {}): Pod {
  const { number, tasks } = extra;
  const state = at === "runs" ? { running: {} } : { waiting: { reason: at, message: "dial tcp: timeout" } };
  const progress = { stages: { total: 1 }, tasks: { done: tasks ?? 0, total: 9 } };
  return {
    metadata: {
      name,
      creationTimestamp: "2026-03-01T12:00:00Z",
      labels: {
        "app.kubernetes.io/instance": "pi",
        "bulwark/role": role,
        ...(number === undefined ? {} : { "spark-exec-id": number }),
      },
      ...(tasks === undefined ? {} : { annotations: { "bulwark/progress": JSON.stringify(progress) } }),
    },
    spec: { nodeName: "node-1" },
    status: { phase: at === "runs" ? "Running" : "Pending", containerStatuses: [{ name: "spark", state }] },
  };
}

function toStatus({ driver = "runs", executors = {}, tasks }: Moment): JobStatus {
  const pods = [
    makePod("pi-a", "driver", driver, tasks === undefined ? {} : { tasks }),
    ...Object.entries(executors).map(([number, at]) => makePod(`pi-exec-${number}`, "executor", at, { number })),
  ];
  const facts = pods.map(reducePod).filter((pod) => pod !== undefined);
  return deriveStatus({ name: "pi", namespace: "runs", pods: facts });
}

/** Shows moments, each so many milliseconds after the one before; the kind of reason that patience ended with, and when. */
function endOf(moments: readonly [afterMs: number, moment: Moment][], lastMs = 60_000) {
  const patience = createPatience();
  let at = 0;
  let endedAt: number | undefined;
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 500) {
      mock.timers.tick(Math.min(left, 500));
      at += Math.min(left, 500);
      if (patience.signal.aborted) endedAt ??= at;
    }
  };
  for (const [afterMs, moment] of moments) {
    pass(afterMs);
    patience.look(toStatus(moment));
  }
  pass(lastMs);
  patience.end();
  return [patience.final()?.kind, endedAt];
}

test("an image that a driver never gets ends the waiting, whatever it is at between its tries", () => {
  const tries: At[] = ["ErrImagePull", "ImagePullBackOff", "ErrImagePull"];
  const moments = tries.map((driver, index): [number, Moment] => [index === 0 ? 0 : 6000, { driver }]);
  assert.deepEqual(endOf(moments), ["imageMissing", 15_000]);
  assert.deepEqual(endOf([[0, { driver: "ErrImagePull" }]]), ["imageMissing", 15_000], "and where nothing changes");
  assert.deepEqual(endOf([[0, { driver: "InvalidImageName" }]]), ["imageNameInvalid", 500]);
});

test("each stumble is a new one", () => {
  const stumbles: [number, Moment][] = [
    [0, { driver: "ErrImagePull" }],
    [500, { driver: "ContainerCreating" }],
    [16_000, { driver: "ErrImagePull" }],
    [500, { driver: "runs" }],
  ];
  assert.deepEqual(endOf(stumbles), [undefined, undefined]);
});

test("executors that never start are told, each by itself, as long as none has run", () => {
  const none: [number, Moment][] = [
    [0, { executors: { 1: "ErrImagePull" } }],
    [7000, { executors: { 1: "ImagePullBackOff", 2: "ErrImagePull" } }],
  ];
  assert.deepEqual(endOf(none), ["imageMissing", 15_000]);
  const replaced: [number, Moment][] = [
    [0, { executors: { 1: "ErrImagePull" } }],
    [10_000, { executors: { 2: "ErrImagePull" } }],
  ];
  assert.deepEqual(endOf(replaced), ["imageMissing", 25_000]);
});

test("a job with an executor goes on while others stumble", () => {
  const midStage: [number, Moment][] = [
    [0, { tasks: 3, executors: { 1: "runs", 2: "ErrImagePull" } }],
    [500, { tasks: 3, executors: { 1: "runs", 2: "runs" } }],
    [16_500, { tasks: 3, executors: { 1: "runs", 2: "runs", 3: "ErrImagePull" } }],
  ];
  assert.deepEqual(endOf(midStage), [undefined, undefined]);
  const lateFirst: [number, Moment][] = [
    [0, { executors: { 1: "ErrImagePull", 2: "ContainerCreating" } }],
    [14_000, { executors: { 1: "ImagePullBackOff", 2: "runs" } }],
  ];
  assert.deepEqual(endOf(lateFirst), [undefined, undefined]);
  const lost: [number, Moment][] = [
    [0, { executors: { 1: "runs" } }],
    [500, { executors: { 2: "ErrImagePull" } }],
  ];
  assert.deepEqual(endOf(lost), [undefined, undefined], "an image that was there once is no wrong one");
  assert.deepEqual(endOf([[0, { tasks: 3, executors: { 4: "ErrImagePull" } }]]), [undefined, undefined]);
});
