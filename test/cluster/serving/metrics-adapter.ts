// SPDX-License-Identifier: Apache-2.0
// A custom metrics API on the node, where a cluster has Prometheus and prometheus-adapter: it scrapes the pods of a Service
// as the chart's ServiceMonitor says, and maps what it finds by the rule of the chart's page. Only the API server may ask.
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { readAdapterRule, type Sample } from "../../chart/adapter-rule.ts";
import { issueCertificate } from "../fixture/certificates.ts";
import { type Cluster, type TestNamespace, until } from "../fixture/index.ts";
import { NETWORK } from "../fixture/network.ts";
import { FRONT_PROXY } from "../fixture/services.ts";
import { makeCaller } from "./caller.ts";

const GROUP = "custom.metrics.k8s.io";
const API_SERVICE = `v1beta1.${GROUP}`;
const ROOT = `/apis/${GROUP}/v1beta1`;
const NAME = "metrics-adapter";
const HEALTH_PORT = 9443;
const MILLI = 1000;

export type MetricsAdapter = {
  /** How often the API server brought a question of the autoscaler. */
  asked(): number;
  close(): Promise<void>;
};

/**
 * Starts it, and registers it with the aggregation layer; the API answers when this returns.
 *
 * @param ca what gateways' certificates are trusted by
 */
export async function startMetricsAdapter(
  cluster: Cluster,
  namespace: TestNamespace,
  ca: string,
): Promise<MetricsAdapter> {
  const rule = readAdapterRule();
  let asked = 0;

  const answer = async (path: string): Promise<object | undefined> => {
    if (path === ROOT) return describeApi(rule.metric);
    const [, of = "", service = "", metric = ""] =
      /\/namespaces\/([^/]+)\/services\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (!path.startsWith(ROOT) || metric !== rule.metric) return undefined;
    asked++;
    const value = rule.ask(await scrape(cluster, { namespace: of, service, ca }), { namespace: of, service });
    return value === undefined ? undefined : describeValue({ namespace: of, service, metric, value });
  };
  const respond = async ({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(url, "https://adapter");
    const found = await answer(pathname).catch(() => undefined);
    const status = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(found ?? status));
  };

  await issueCertificate(cluster.folder, NAME, { user: NAME }, { addresses: [`DNS:${NAME}.${namespace.name}.svc`] });
  const read = (...path: string[]): Promise<string> => readFile(join(cluster.folder, ...path), "utf8");
  const tls = {
    cert: await read(`${NAME}.crt`),
    key: await read(`${NAME}.key`),
    ca: await read(FRONT_PROXY, "ca.crt"),
  };
  const server = createServer({ ...tls, requestCert: true }, (request, response) => void respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, NETWORK.gateway, resolve));
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(await read("ca.crt")).toString("base64");
  await cluster.apply(describeObjects({ namespace: namespace.name, port, caBundle }));
  await cluster.kubectl(["wait", "apiservice", API_SERVICE, "--for=condition=Available", "--timeout=60s"]);
  await until("the API to be told of", async () => (await cluster.kubectl(["api-versions"])).includes(GROUP));
  return {
    asked: () => asked,
    async close() {
      // Where it is left, no namespace of the cluster can be removed: their content is looked for in every API.
      await cluster.kubectl(["delete", "apiservice", API_SERVICE]);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the pods of a Service say, with the labels that Prometheus' operator adds. A pod that does not answer says nothing. */
async function scrape(
  { api }: Cluster,
  { namespace, service, ca }: { namespace: string; service: string; ca: string },
): Promise<Sample[]> {
  const selector = `labelSelector=kubernetes.io/service-name=${service}`;
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${selector}`;
  const { items } = await api.read<{ items: { endpoints: { addresses: string[] }[] | null }[] }>(path);
  const hosts = items.flatMap(({ endpoints }) => (endpoints ?? []).flatMap(({ addresses }) => addresses));
  const pages = await Promise.all(
    hosts.map(async (host) => {
      const caller = makeCaller({ host, port: HEALTH_PORT, servername: "localhost" }, { ca });
      const page = await caller.ask({ path: "/metrics" }).catch(() => undefined);
      caller.close();
      return page?.body ?? "";
    }),
  );
  return pages.flatMap((page) => readSamples(page, { namespace, service }));
}

/** Series of a page. Their own labels say nothing that the rule asks for. */
function readSamples(page: string, labels: Readonly<Record<string, string>>): Sample[] {
  return [...page.matchAll(/^([a-z_]+)(?:\{[^}]*\})? (\S+)$/gm)].map(([, name = "", value]) => ({
    name,
    labels,
    value: Number(value),
  }));
}

const describeApi = (metric: string) => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion: `${GROUP}/v1beta1`,
  resources: [
    { name: `services/${metric}`, singularName: "", namespaced: true, kind: "MetricValueList", verbs: ["get"] },
  ],
});

type Value = { namespace: string; service: string; metric: string; value: number };

const describeValue = ({ namespace, service, metric, value }: Value) => ({
  kind: "MetricValueList",
  apiVersion: `${GROUP}/v1beta1`,
  metadata: {},
  items: [
    {
      describedObject: { kind: "Service", namespace, name: service, apiVersion: "/v1" },
      metricName: metric,
      timestamp: new Date().toISOString(),
      value: `${Math.round(value * MILLI)}m`,
      selector: null,
    },
  ],
});

/** The Service of a program that runs on the node itself, and the API that is found there. */
function describeObjects({ namespace, port, caBundle }: { namespace: string; port: number; caBundle: string }) {
  const metadata = { name: NAME, namespace };
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 443, targetPort: port }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": NAME } },
      addressType: "IPv4",
      endpoints: [{ addresses: [NETWORK.gateway], conditions: { ready: true } }],
      ports: [{ port }],
    },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: API_SERVICE },
      spec: {
        service: { namespace, name: NAME },
        ...{ group: GROUP, version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100, caBundle },
      },
    },
  ];
}
