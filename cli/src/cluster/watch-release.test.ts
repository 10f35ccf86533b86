// SPDX-License-Identifier: Apache-2.0
// Followers of a job whose objects go while they follow.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError, EXIT, toExitCode } from "@bulwark/contracts";
import { spec as list } from "../commands/list.ts";
import { spec as logs } from "../commands/logs.ts";
import { spec as status } from "../commands/status.ts";
import type { TestContext } from "../testing/context.ts";
import { type FakeCluster, hear, startFakeCluster } from "../testing/fake-cluster.ts";
import { followToEnd } from "./follow.ts";
import { openCluster } from "./open.ts";

// Limits of the followers are ticked through; what the server says takes its own short time.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => mock.timers.reset());

/** Longer than any limit of a follower. */
const LONG_MS = 60_000;

/** Watches that a follower of one job has: pods, jobs, schedules, warnings. */
const FEEDS = 4;

const JOB = { metadata: { name: "pi" } };
const COMPLETE = { ...JOB, status: { conditions: [{ type: "Complete", status: "True" }] } };
const DRIVER = {
  metadata: { name: "pi-a", labels: { "bulwark/role": "driver" } },
  status: { phase: "Running" },
};

type Follow = (context: TestContext, cluster: FakeCluster) => Promise<unknown>;

const FOLLOWERS: Readonly<Record<string, Follow>> = {
  "status --watch": (context) =>
    status.execute(context, { args: ["pi"], flags: { cluster: true, watch: true }, path: [] }),
  "logs -f": (context) => logs.execute(context, { args: ["pi"], flags: { cluster: true, follow: true }, path: [] }),
  "submit --wait": async (context) => {
    const cluster = await openCluster(context, {});
    return followToEnd(context, cluster, "pi", { output: false, signal: context.signal });
  },
  "submit --follow": async (context) => {
    const cluster = await openCluster(context, {});
    return followToEnd(context, cluster, "pi", { output: true, signal: context.signal });
  },
};

/** Follows a job in every way at once, from its start; how each has ended so far. */
async function followAll(cluster: FakeCluster, names = Object.keys(FOLLOWERS)) {
  const stop = new AbortController();
  const ends = new Map<string, unknown>();
  const followed = names.map(async (name) => {
    const context = cluster.makeContext({ signal: stop.signal });
    const end = await (FOLLOWERS[name] as Follow)(context, cluster).then(
      () => "done",
      (error: unknown) => error,
    );
    ends.set(name, end);
  });
  await until(() => cluster.watches() === names.length * FEEDS);
  return {
    /** How all have ended alike; undefined as long as none has. */
    end(): unknown {
      const shown = names.map((name) => toShown(ends.get(name)));
      for (const [index, one] of shown.entries()) assert.deepEqual(one, shown[0], names[index]);
      return shown[0];
    },
    async [Symbol.asyncDispose]() {
      stop.abort(new Error("enough"));
      await Promise.all(followed);
    },
  };
}

const toShown = (end: unknown): unknown => (end instanceof BulwarkError ? [end.code, toExitCode(end)] : end);

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 500, "waited for too long");
    await delay(20);
  }
}

async function pass(milliseconds: number): Promise<void> {
  await hear();
  mock.timers.tick(milliseconds);
  await hear();
}

test("following ends when the job has been deleted", async () => {
  await using cluster = await startFakeCluster();
  cluster.put("jobs", "pi", JOB);
  cluster.put("pods", "pi", DRIVER);
  await using following = await followAll(cluster);
  await hear();
  cluster.remove("jobs", "pi");
  await pass(LONG_MS);
  assert.equal(following.end(), undefined, "its pod is still there");
  cluster.remove("pods", "pi-a");
  await pass(LONG_MS);
  assert.deepEqual(following.end(), ["RELEASE_UNKNOWN", EXIT.usage]);
});

test("following goes on with a job or a schedule that takes the place of a job", async () => {
  await using cluster = await startFakeCluster();
  cluster.put("jobs", "pi", JOB);
  await using following = await followAll(cluster);
  await hear();
  cluster.remove("jobs", "pi");
  await pass(3000);
  cluster.put("jobs", "pi", JOB);
  await pass(LONG_MS);
  cluster.remove("jobs", "pi");
  cluster.put("cronjobs", "pi", JOB);
  await pass(LONG_MS);
  assert.equal(following.end(), undefined);
  cluster.put("jobs", "pi", COMPLETE);
  await pass(0);
  assert.equal(following.end(), "done");
});

test("a job that was gone before it is followed is not waited for", async () => {
  await using cluster = await startFakeCluster();
  cluster.put("configmaps", "pi", { metadata: { name: "pi-conf" } });
  await using following = await followAll(cluster, ["status --watch", "logs -f"]);
  await pass(LONG_MS);
  assert.deepEqual(following.end(), ["RELEASE_UNKNOWN", EXIT.usage]);
});

test("a server that goes away is told once, and what it says afterwards is heard", async () => {
  mock.timers.reset();
  await using cluster = await startFakeCluster();
  cluster.put("jobs", "pi", JOB);
  const warned: string[] = [];
  const { progress } = cluster.makeContext();
  const context = cluster.makeContext({ progress: { ...progress, warn: (text) => warned.push(text) } });
  const watched = status.execute(context, { args: ["pi"], flags: { cluster: true, watch: true }, path: [] });
  await until(() => cluster.watches() === FEEDS);
  await cluster.stop();
  await until(() => warned.length > 0);
  await hear();
  await cluster.start();
  await until(() => cluster.watches() === FEEDS);
  cluster.put("jobs", "pi", COMPLETE);
  await watched;
  assert.equal(warned.length, 1);
});

test("the jobs of all namespaces are followed where all are meant, and of one namespace where not", async () => {
  await using cluster = await startFakeCluster();
  cluster.put("jobs", "pi", JOB);
  cluster.put("jobs", "sales", { metadata: { name: "sales", namespace: "elsewhere" } });
  for (const [flags, seen] of [
    [{}, ["pi"]],
    [{ allNamespaces: true }, ["elsewhere/sales", "runs/pi"]],
  ] as const) {
    const stop = new AbortController();
    const printed: string[] = [];
    const stdout = { write: (text: string) => printed.push(text) > 0 };
    const context = cluster.makeContext({ signal: stop.signal, stdout: stdout as unknown as TestContext["stdout"] });
    const flagsOf = { cluster: true, watch: true, ...flags };
    const watched = assert.rejects(list.execute(context, { args: [], flags: flagsOf, path: [] }));
    await until(() => printed.length >= seen.length);
    await hear();
    stop.abort(new Error("enough"));
    await watched;
    assert.deepEqual(printed.map((line) => line.split(" ")[0]).toSorted(), seen);
  }
});
