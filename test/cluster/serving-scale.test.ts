// SPDX-License-Identifier: Apache-2.0
// charts/serving whose numbers of gateways and engines follow the age of the queue: by the real autoscaler, through a
// custom metrics API that reads what gateways tell.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { until } from "./fixture/index.ts";
import { askWhile, type Caller, makeCaller, readCredentials } from "./serving/caller.ts";
import { type MetricsAdapter, startMetricsAdapter } from "./serving/metrics-adapter.ts";
import { prepareRelease, type ServingRelease } from "./serving/release.ts";

const QUEUED = "queued";
const CALLERS = 12;
const [GATEWAYS, ENGINES] = [3, 2];
const LIMIT_MS = 120_000;

let release: ServingRelease;
let image: string;
let adapter: MetricsAdapter;
let callers: Caller[];

const autoscaling = { enabled: true, minimum: 1, queueAgeSeconds: 2, scaleDownAfterSeconds: 5 };
const VALUES = {
  models: {
    claim: "models",
    delivery: { [QUEUED]: "durable" },
    // An engine that takes one record at a time, and waits half a second for another: two in a second, however fast the machine.
    settings: { [QUEUED]: { batch: { windowMs: 500 } } },
  },
  gateway: {
    ...{ memory: "512m", leave: "4s", drain: "10s", requestTimeout: "60s" },
    autoscaling: { ...autoscaling, maximum: GATEWAYS },
  },
  engine: { memory: "512m", maxInFlight: 1, autoscaling: { ...autoscaling, maximum: ENGINES } },
  redis: { memory: "128m", storage: "512m" },
};

before(async () => {
  const built = await buildServingImage({}, () => undefined);
  image = built.name;
  release = await prepareRelease("serving-scale", [built]);
  const { ca } = await readCredentials(release.cluster, release.namespace, "clouds-client");
  adapter = await startMetricsAdapter(release.cluster, release.namespace, ca);
});
after(async () => {
  for (const caller of callers ?? []) caller.close();
  await adapter?.close();
  await release?.close();
});

type Deployment = { status: { replicas?: number; readyReplicas?: number; updatedReplicas?: number } };
type Autoscaler = {
  status: { desiredReplicas: number; conditions?: { type: string; status: string; reason: string }[] };
};

const readAutoscaler = (part: string): Promise<Autoscaler> =>
  release.cluster.api.read(
    `/apis/autoscaling/v2/namespaces/${release.namespace.name}/horizontalpodautoscalers/clouds-${part}`,
  );

/** Waits until there are so many pods of a part, and all are ready. */
async function awaitPods(part: string, count: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${release.namespace.name}/deployments/clouds-${part}`;
  await until(
    `${count} of ${part}`,
    async () => {
      const { status } = await release.cluster.api.read<Deployment>(path);
      return status.replicas === count && status.readyReplicas === count;
    },
    LIMIT_MS,
  );
}

test("autoscalers get the age of the queue, and leave one of each while nothing waits", async () => {
  await release.helm("install", { image, ...VALUES });
  const credentials = await readCredentials(release.cluster, release.namespace, "clouds-client");
  const target = await release.findTarget(10023);
  callers = Array.from({ length: CALLERS }, () => makeCaller(target, credentials));
  for (const part of ["gateway", "engine"]) {
    await until(`the autoscaler of ${part} to work`, async () =>
      (await readAutoscaler(part)).status.conditions?.some(
        ({ type, status, reason }) => type === "ScalingActive" && status === "True" && reason === "ValidMetricFound",
      ),
    );
    assert.equal((await readAutoscaler(part)).status.desiredReplicas, 1);
  }
  assert.ok(adapter.asked() > 0);
});

test("the queue ages: gateways and engines become more, then fewer, and no request is lost", async (context) => {
  const startedAt = performance.now();
  const note = (what: string): void =>
    context.diagnostic(`${what} after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const [one] = callers;
  assert.ok(one);
  // One caller goes on throughout: alone he lets nothing age.
  const all = await askWhile([one], QUEUED, async () => {
    const counts = await askWhile(callers.slice(1), QUEUED, async () => {
      await Promise.all([awaitPods("gateway", GATEWAYS), awaitPods("engine", ENGINES)]);
      note("the most");
    });
    context.diagnostic(JSON.stringify(counts));
    assert.deepEqual([counts.lost, counts.wrong, counts.refused], [[], 0, 0]);
    await Promise.all([awaitPods("gateway", 1), awaitPods("engine", 1)]);
    note("the fewest");
  });
  context.diagnostic(JSON.stringify(all));
  assert.deepEqual([all.lost, all.wrong, all.refused], [[], 0, 0]);
});

test("uninstalled it leaves no autoscaler behind", async () => {
  assert.deepEqual(await release.uninstall(), []);
});
