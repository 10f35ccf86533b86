// SPDX-License-Identifier: Apache-2.0
// Every folder of scenarios/ is one story: objects of a job at several moments, and what a status must say of each.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { CronJob, Job, KubeEvent, Pod } from "./api/objects.ts";
import { reducePod } from "./facts.ts";
import { REASON_ERRORS } from "./reason.ts";
import { derivePrevious, deriveStatus, groupByRelease, isEnded, type JobStatus } from "./status.ts";

type Step = {
  title: string;
  job?: Job;
  cronJob?: CronJob;
  pods: Pod[];
  events?: KubeEvent[];
  expect: Record<string, unknown>;
};

const SCENARIOS = join(import.meta.dirname, "..", "scenarios");

/** What a step may expect, and how it is read from a status. */
const READ: Readonly<Record<string, (status: JobStatus) => unknown>> = {
  state: ({ state }) => state,
  reason: ({ reason }) => reason?.kind ?? null,
  words: ({ reason }) => reason?.words,
  final: ({ reason }) => reason?.isFinal,
  error: ({ reason }) => reason && REASON_ERRORS[reason.kind],
  running: ({ counts }) => counts.running,
  failed: ({ counts }) => counts.failed,
  wanted: ({ counts }) => counts.wanted,
  driver: ({ driver }) => driver?.state,
  driverTee: ({ driver }) => driver?.tee,
  security: ({ security }) => security.verdict,
  restarts: ({ restarts }) => restarts,
  stages: ({ progress }) => progress?.stages.done,
  trust: ({ planned }) => planned.tee,
};

for (const scenario of readdirSync(SCENARIOS).filter((name) => /^\d/.test(name))) {
  const steps = parse(readFileSync(join(SCENARIOS, scenario, "steps.yaml"), "utf8")) as Step[];
  for (const { title, expect, pods, ...rest } of steps) {
    test(`${scenario}: ${title}`, (context) => {
      const facts = pods.map(reducePod).filter((pod) => pod !== undefined);
      const status = deriveStatus({ name: "sales", namespace: "runs", ...rest, pods: facts });
      context.diagnostic(JSON.stringify(status.reason ?? null));
      const { says, ...values } = expect;
      const seen = Object.fromEntries(Object.keys(values).map((key) => [key, READ[key]?.(status)]));
      assert.deepEqual(seen, values);
      if (says !== undefined) assert.ok(status.reason?.words.includes(String(says)), status.reason?.words);
      assert.equal(isEnded(status), ["succeeded", "failed"].includes(status.state));
    });
  }
}

test("the attempt before is what was there before the newest driver", () => {
  const pod = (role: "driver" | "executor", name: string, createdAt: string): Pod => ({
    metadata: {
      name,
      creationTimestamp: createdAt,
      labels: {
        "app.kubernetes.io/name": "spark-job",
        "app.kubernetes.io/instance": "sales",
        "bulwark/role": role,
        "spark-exec-id": "1",
      },
    },
  });
  const first = [
    pod("driver", "sales-a", "2026-01-01T00:00:00Z"),
    pod("executor", "sales-a-1", "2026-01-01T00:00:09Z"),
  ];
  const second = [
    pod("driver", "sales-b", "2026-01-01T00:01:00Z"),
    pod("executor", "sales-b-1", "2026-01-01T00:01:09Z"),
  ];
  const reduce = (pods: Pod[]) => pods.map(reducePod).filter((one) => one !== undefined);
  const previous = derivePrevious({ name: "sales", namespace: "runs", pods: reduce([...first, ...second]) });
  assert.deepEqual([previous.driver?.pod, previous.executors.map((one) => one.pod)], ["sales-a", ["sales-a-1"]]);
  const none = derivePrevious({ name: "sales", namespace: "runs", pods: reduce(first) });
  assert.deepEqual([none.driver, none.executors], [undefined, []]);
});

test("whatever stands in annotations and statuses, a status comes out", () => {
  const anything = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.json()));
  fc.assert(
    fc.property(anything, fc.json(), fc.constantFrom("Pending", "Running", "Failed", ""), (labels, json, phase) => {
      const pod = {
        metadata: {
          name: "sales-x",
          labels: { ...labels, "app.kubernetes.io/instance": "sales", "bulwark/role": "driver" },
          annotations: { "bulwark/progress": json, "bulwark/security": json, "bulwark/tee": json },
        },
        status: { phase },
      };
      const fact = reducePod(pod);
      assert.ok(fact);
      const status = deriveStatus({ name: "sales", namespace: "runs", pods: [fact] });
      assert.doesNotThrow(() => JSON.stringify(status));
    }),
    {
      // Objects that cannot be made a text.
      examples: [
        [{}, '{"":{"toString":null}}', "Pending"],
        [{}, '{"failure":{"executor":{"toString":null}}}', "Failed"],
      ],
    },
  );
});

/** A pod of `sales`, created so many seconds after noon. */
const podAt = (name: string, role: string, second: number, job?: string) => {
  const facts = reducePod({
    metadata: {
      name,
      creationTimestamp: new Date(Date.UTC(2026, 2, 1, 12, 0, second)).toISOString(),
      labels: {
        "app.kubernetes.io/instance": "sales",
        "bulwark/role": role,
        ...(job === undefined ? {} : { "batch.kubernetes.io/job-name": job }),
      },
    },
    status: { phase: "Succeeded" },
  });
  assert.ok(facts);
  return facts;
};

test("the attempt before is that of the launcher, too, where a job has one", () => {
  const first = [podAt("l1", "launcher", 0), podAt("d1", "driver", 1), podAt("e1", "executor", 2)];
  const pods = [...first, podAt("l2", "launcher", 10), podAt("d2", "driver", 11)];
  const { launcher, driver, executors } = derivePrevious({ name: "sales", namespace: "runs", pods });
  assert.deepEqual([launcher?.pod, driver?.pod, executors.map(({ pod }) => pod)], ["l1", "d1", ["e1"]]);
});

test("a run of a schedule is not told of by the pods of the run before", () => {
  const job: Job = { metadata: { name: "sales-2", creationTimestamp: "2026-03-01T12:01:00.000Z" } };
  const place = { name: "sales", namespace: "runs", job, cronJob: { metadata: { name: "sales" } } };
  const before = [podAt("d1", "driver", 1, "sales-1"), podAt("e1", "executor", 2)];
  const waiting = deriveStatus({ ...place, pods: before });
  assert.deepEqual([waiting.state, waiting.driver, waiting.restarts], ["pending", undefined, 0]);
  // Clocks of two API servers differ: the pod may seem older than its Job.
  const begun = deriveStatus({ ...place, pods: [...before, podAt("d2", "driver", 59, "sales-2")] });
  assert.deepEqual([begun.driver?.pod, begun.executors.length, begun.restarts], ["d2", 0, 0]);
  const previous = derivePrevious({ ...place, pods: [...before, podAt("d2", "driver", 59, "sales-2")] });
  assert.deepEqual([previous.driver?.pod, previous.executors.map(({ pod }) => pod)], ["d1", ["e1"]]);
});

test("objects are grouped by release and namespace; of a schedule the newest job counts", () => {
  const job = (name: string, namespace: string, at: string): Job => ({
    metadata: { name, namespace, creationTimestamp: at, labels: { "app.kubernetes.io/instance": "sales" } },
  });
  const groups = groupByRelease({
    jobs: [job("sales-2", "a", "2026-03-02"), job("sales-1", "a", "2026-03-01"), job("sales-1", "b", "2026-03-01")],
    cronJobs: [],
    pods: [],
  });
  assert.deepEqual(
    groups.map(({ namespace, name, job: found }) => [namespace, name, found?.metadata.name]),
    [
      ["a", "sales", "sales-2"],
      ["b", "sales", "sales-1"],
    ],
  );
});
