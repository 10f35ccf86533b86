// SPDX-License-Identifier: Apache-2.0
// A release is taken away at moments drawn at random, and nothing of it is left a minute later.
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createRandom } from "../e2e/random.ts";
import { killJvm } from "./chart/processes.ts";
import { findRelease, GONE_LIMIT_MS, PAUSE_MS, type Release } from "./chart/release.ts";
import { makeTool, type Tool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const SEED = Number(process.env.BULWARK_SEED ?? Date.now() % 1_000_000);
/** Jobs that run side by side: the machine may be small. */
const AT_ONCE = 3;
/** A job reaches a moment within it, on a machine that has other work, too. */
const REACH_MS = 300_000;
/** Numbers to add, a tenth of a second each: such a job waits more than it works, so that many fit a machine. */
const NEVER_ENDS = ["100000"];
const ENDS = ["2"];

type Moment = { args: string[]; spreadMs: number; reach(release: Release): Promise<unknown> };

const isMidStage = async (release: Release): Promise<boolean> => ((await release.progress())?.tasks.done ?? 0) > 0;
const hasExecutor = async (release: Release): Promise<boolean> => (await release.pods("executor")).length > 0;

/** Moments of a job's life; a random time of up to `spreadMs` follows. */
const MOMENTS: Readonly<Record<string, Moment>> = {
  "before the driver": { args: NEVER_ENDS, spreadMs: 1500, reach: async () => undefined },
  "during executor start": {
    args: NEVER_ENDS,
    spreadMs: 4000,
    reach: (release) => until("an executor", () => hasExecutor(release), REACH_MS, PAUSE_MS),
  },
  "mid-stage": {
    args: NEVER_ENDS,
    spreadMs: 3000,
    reach: (release) => until("tasks that are done", () => isMidStage(release), REACH_MS, PAUSE_MS),
  },
  "after the end": { args: ENDS, spreadMs: 2000, reach: (release) => release.end() },
  "after kill -9 of the driver": {
    args: NEVER_ENDS,
    spreadMs: 6000,
    async reach(release) {
      await until("an executor", () => hasExecutor(release), REACH_MS, PAUSE_MS);
      await until("the driver to be killed", async () =>
        killJvm((await release.pods("driver"))[0]?.metadata.name ?? ""),
      );
    },
  },
};

const cluster = await joinCluster();
let namespace: TestNamespace;
let tool: Tool;
const released: Release[] = [];

before(async () => {
  namespace = await cluster.makeNamespace("ends");
  tool = await makeTool(cluster);
  await cp(join(import.meta.dirname, "jobs/totals.py"), join(tool.home, "totals.py"));
});
after(async () => {
  tool?.stop();
  await namespace?.remove();
});

const WAYS: Readonly<Record<string, (name: string) => Promise<boolean>>> = {
  "helm uninstall": (name) =>
    cluster.run(cluster.programs.helm, ["uninstall", name, "-n", namespace.name, "--ignore-not-found"]).then(
      () => true,
      () => false,
    ),
  "bulwark delete": async (name) => (await tool.run("delete", name, "-n", namespace.name)).code === 0,
};

type Draw = { name: string; moment: string; way: string; deployMode: string; waitMs: number };

/** Each moment with each way, in both deploy modes, at times of which nobody thought. */
function draw(random: () => number, rounds: number, prefix: string): Draw[] {
  const kinds = Object.entries(MOMENTS).flatMap(([moment, { spreadMs }]) =>
    Object.keys(WAYS).map((way) => ({ moment, way, spreadMs })),
  );
  return Array.from({ length: rounds }, () => kinds)
    .flat()
    .map(({ moment, way, spreadMs }, number) => ({
      name: `${prefix}-${number}`,
      moment,
      way,
      deployMode: random() < 0.25 ? "cluster" : "client",
      waitMs: Math.round(random() * spreadMs),
    }));
}

async function bringTo({ name, moment, deployMode, waitMs }: Draw): Promise<Release> {
  const { args, reach } = MOMENTS[moment] as Moment;
  const job = { python: "totals.py", args, deployMode, retries: 1, executor: { instances: 1, memory: "512m" } };
  const { code, stderr } = await tool.run("submit", "-f", tool.writeJob(name, job), "-n", namespace.name);
  assert.equal(code, 0, stderr);
  const release = findRelease(cluster, namespace, name);
  released.push(release);
  await reach(release);
  await delay(waitMs);
  return release;
}

/** Nothing is left within the limit; the time it took. */
async function expectGone(release: Release, what: string): Promise<number> {
  const startedAt = performance.now();
  let left: string[] = [];
  const look = async () => {
    left = await release.left();
    return left.length === 0;
  };
  await until(what, look, GONE_LIMIT_MS, PAUSE_MS).catch((late: Error) => {
    throw new Error(`${late.message}: ${left.join(", ")}`);
  });
  return (performance.now() - startedAt) / 1000;
}

const describe = ({ name, way, moment, deployMode, waitMs }: Draw): string =>
  `${name}: ${way} ${waitMs} ms from "${moment}", deployMode ${deployMode}`;

test("twenty releases, each taken away at another moment, leave nothing", async (context) => {
  context.diagnostic(`BULWARK_SEED=${SEED}`);
  const waiting = draw(createRandom(SEED), 2, "end");
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const release = await bringTo(next);
      assert.ok(await WAYS[next.way]?.(next.name), describe(next));
      context.diagnostic(`${describe(next)}: gone in ${(await expectGone(release, describe(next))).toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
});

test("the API server is restarted while releases are taken away, and nothing is left either", async (context) => {
  // Each moment once, with the one way and the other in turn.
  const draws = draw(createRandom(SEED + 1), 1, "restart").filter((_draw, number) => [0, 3].includes(number % 4));
  const releases = await Promise.all(draws.map(bringTo));
  const restarted = cluster.restartApiServer({ pauseMs: 1000 });
  // Whoever is told that the server is away says it again.
  const ended = draws.map(({ way, name }) => until(`${way} of ${name}`, () => WAYS[way]?.(name)));
  await Promise.all([restarted, ...ended]);
  for (const [number, release] of releases.entries()) {
    const what = describe(draws[number] as Draw);
    context.diagnostic(`${what}: gone in ${(await expectGone(release, what)).toFixed(1)} s`);
  }
});

test("nothing has come back since", async () => {
  assert.ok(released.length >= 20, `${released.length} releases`);
  assert.deepEqual((await Promise.all(released.map((release) => release.left()))).flat(), []);
});
