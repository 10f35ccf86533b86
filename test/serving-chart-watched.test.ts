// SPDX-License-Identifier: Apache-2.0
// What watches a release of the serving chart asks for metrics that its processes have.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Engine } from "../packages/inference/src/index.ts";
import { serveHealth } from "../services/inference-engine/src/health.ts";
import { createTally } from "../services/inference-engine/src/tally.ts";
import type { Durable } from "../services/serving-gateway/src/durable/index.ts";
import { createMetrics } from "../services/serving-gateway/src/metrics.ts";
import { createTimers } from "../services/serving-gateway/src/timers.ts";
import { readAdapterRule } from "./chart/adapter-rule.ts";
import { find, type Rendered } from "./chart/helm.ts";
import { helm, objectsOf, skip, variant } from "./chart/serving-rendered.ts";
import { SERVING_VARIANTS } from "./chart/serving-variants.ts";

test("a ServiceMonitor comes where the cluster knows them", { skip }, () => {
  const known = ["--api-versions", "monitoring.coreos.com/v1/ServiceMonitor"];
  const { plain = {} } = SERVING_VARIANTS;
  assert.equal(find(variant("plain"), "ServiceMonitor"), undefined);
  const { spec } = find(objectsOf(helm, plain, { flags: known }), "ServiceMonitor", "clouds");
  const never = { ...plain, metrics: { serviceMonitor: "never" } };
  assert.equal(find(objectsOf(helm, never, { flags: known }), "ServiceMonitor"), undefined);
  const { labels } = find(variant("plain"), "Service", "clouds-metrics").metadata;
  for (const [key, value] of Object.entries(spec.selector.matchLabels)) assert.equal(labels[key], value);
  assert.equal(find(variant("watched"), "ServiceMonitor").metadata.labels.release, "prometheus");
});

test("alerts come where the cluster knows them, and ask for metrics that there are", { skip }, async (context) => {
  const flags = ["--api-versions", "monitoring.coreos.com/v1/PrometheusRule"];
  const { plain = {}, direct = {} } = SERVING_VARIANTS;
  assert.equal(find(variant("plain"), "PrometheusRule"), undefined);
  assert.ok(find(objectsOf(helm, plain, { flags }), "PrometheusRule", "clouds"));
  assert.equal(
    find(objectsOf(helm, { ...plain, metrics: { rules: "never" } }, { flags }), "PrometheusRule"),
    undefined,
  );
  assert.equal(find(objectsOf(helm, direct, { flags }), "PrometheusRule"), undefined, "there is no queue");
  const rules: Rendered[] = find(variant("watched"), "PrometheusRule", "clouds").spec.groups[0].rules;
  const known = await listMetrics(context);
  for (const { alert, expr } of rules) {
    const [name = ""] = expr.match(/bulwark_\w+/) ?? [];
    assert.ok(known.has(name), `${alert}: ${name}`);
    assert.ok(expr.includes('{namespace="team",service="clouds-metrics"}'), expr);
  }
  assert.ok(rules.some(({ expr }) => /oldest_seconds.* > 90$/.test(expr)));
});

test("the rule that the page gives for prometheus-adapter answers what autoscalers ask", { skip }, async (context) => {
  const rule = readAdapterRule();
  const { describedObject, metric } = find(variant("scaling"), "HorizontalPodAutoscaler", "clouds-engine").spec
    .metrics[0].object;
  assert.deepEqual([rule.metric, describedObject.kind], [metric.name, "Service"]);
  assert.ok((await listMetrics(context)).has(rule.metric));
  const object = { namespace: "team", service: describedObject.name };
  const sample = (value: number, more: object = {}) => ({ name: rule.metric, labels: { ...object, ...more }, value });
  // Each gateway tells the same age, some a moment later; those of others say nothing.
  const samples = [sample(3), sample(4), sample(9, { namespace: "b" }), sample(9, { service: "c" })];
  assert.equal(rule.ask(samples, object), 4);
  assert.equal(rule.ask([{ ...sample(9), name: "up" }], object), undefined);
});

test("the dashboard asks for metrics that gateway and engine have", { skip }, async (context) => {
  const dashboard = JSON.parse(find(variant("watched"), "ConfigMap", "clouds-dashboard").data["bulwark-serving.json"]);
  const known = await listMetrics(context);
  const queries: string[] = dashboard.panels.flatMap(({ targets }: Rendered) =>
    targets.map(({ expr }: Rendered) => expr),
  );
  const asked = new Set(queries.flatMap((query) => query.match(/\b(bulwark|nv|process)_\w+/g) ?? []));
  assert.ok(asked.size >= 12);
  for (const name of asked) assert.ok(known.has(name.replace(/_(bucket|sum|count)$/, "")) || known.has(name), name);
  assert.ok(known.has("bulwark_serving_queue_oldest_seconds"));
  const places = dashboard.panels.map(({ gridPos }: Rendered) => JSON.stringify(gridPos));
  assert.equal(new Set(places).size, places.length);
});

/** The names that a gateway with a queue and an engine export, asked of the real ones. */
async function listMetrics(context: TestContext): Promise<Set<string>> {
  const engine = { statistics: () => [], list: () => [] } as unknown as Engine;
  const durable = { watch: { job: "j", state: () => ({}) } } as unknown as Pick<Durable, "watch">;
  const gateway = await createMetrics(engine, {
    inFlight: () => 0,
    now: Date.now,
    timers: createTimers(Date.now),
    durable,
  }).render();
  const counts = { answered: 0, failed: 0, expired: 0, dead: 0, again: 0, duplicate: 0 };
  const health = {
    isReady: () => true,
    counts: () => counts,
    residentBytes: () => 0,
    statistics: () => [],
    tally: createTally(() => true),
  };
  const server = await serveHealth(health, { host: "127.0.0.1", port: 0 });
  context.after(() => server.close());
  const ofEngine = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text();
  return new Set([...`${gateway}\n${ofEngine}`.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name));
}
