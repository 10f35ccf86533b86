// SPDX-License-Identifier: Apache-2.0
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { BulwarkError } from "@bulwark/contracts/errors";
import { answerNoHttp } from "@bulwark/contracts/no-http";
import { reasonOf, TRITON_FAMILIES, type VersionStatistics } from "@bulwark/inference";
import type { Counts } from "./runner.ts";
import type { Tally } from "./tally.ts";

/** What the process says of itself to probes and Prometheus. */
export type Health = {
  /** Its models are loaded and it takes records. */
  isReady(): boolean;
  counts(): Readonly<Counts>;
  statistics(): readonly VersionStatistics[];
  tally: Pick<Tally, "failures" | "waits">;
  residentBytes(): number;
};

export type HealthSettings = { port: number; host: string; tls?: { certificate: string; privateKey: string } };

export type HealthServer = { port: number; close(): void };

type Answer = { status: number; type: string; body: string };

const toJson = (status: number, value: object): Answer => ({
  status,
  type: "application/json; charset=utf-8",
  body: JSON.stringify(value),
});

const ROUTES: Readonly<Record<string, (health: Health) => Answer>> = {
  "/v2/health/live": () => toJson(200, { live: true }),
  "/v2/health/ready": (health) => {
    const ready = health.isReady();
    return toJson(ready ? 200 : 503, { ready, live: true });
  },
  "/metrics": (health) => ({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: render(health) }),
};

/** Answers probes and Prometheus, by TLS where there is a certificate. Throws SERVING_PORT. */
export async function serveHealth(health: Health, { port, host, tls }: HealthSettings): Promise<HealthServer> {
  const answer: RequestListener = (request, response) => {
    const route = ROUTES[request.url ?? ""];
    const { status, type, body } = route?.(health) ?? toJson(404, { error: "There is no such path" });
    response.writeHead(status, { "content-type": type }).end(body);
  };
  const server =
    tls === undefined
      ? createHttp(answer)
      : createHttps({ cert: tls.certificate, key: tls.privateKey, minVersion: "TLSv1.3" }, answer);
  server.on("clientError", answerNoHttp);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new BulwarkError("SERVING_PORT", `Port ${port} cannot be used`, "choose another healthPort", { cause }));
    });
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

type Sample = { labels?: Readonly<Record<string, string>>; value: number };

/** One family in Prometheus' text format. */
function renderFamily(name: string, [type, help]: [string, string], samples: readonly Sample[]): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}=${JSON.stringify(label)}`);
    return `${name}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

/** Everything, in Prometheus' text format. Models have the families that a gateway has for its own. */
function render({ isReady, counts, residentBytes, statistics, tally }: Health): string {
  const versions = statistics();
  const ofVersions = (read: (one: VersionStatistics) => number): Sample[] =>
    versions.map((one) => ({ labels: { model: one.model, version: one.version }, value: read(one) }));
  const failures = tally.failures().map(({ model, code, count }) => {
    return { labels: { model, reason: reasonOf(code), code }, value: count };
  });
  const records = Object.entries(counts()).map(([outcome, value]) => ({ labels: { outcome }, value }));
  const waits = tally.waits();
  const gauges: [string, string, number][] = [
    ["bulwark_engine_ready", "1 when its models are loaded and it takes records", isReady() ? 1 : 0],
    ["process_resident_memory_bytes", "Resident memory of the engine", residentBytes()],
  ];
  return [
    ...gauges.map(([name, help, value]) => renderFamily(name, ["gauge", help], [{ value }])),
    renderFamily("bulwark_engine_records_total", ["counter", "Records by what became of them"], records),
    "# HELP bulwark_engine_record_wait_seconds How long records had waited in the queue when they were taken",
    "# TYPE bulwark_engine_record_wait_seconds summary",
    `bulwark_engine_record_wait_seconds_sum ${waits.seconds}`,
    `bulwark_engine_record_wait_seconds_count ${waits.count}`,
    ...TRITON_FAMILIES.map(({ name, help, read }) => renderFamily(name, ["counter", help], ofVersions(read))),
    renderFamily(
      "nv_inference_pending_request_count",
      ["gauge", "Records that wait in the engine or are computed"],
      ofVersions(({ pending }) => pending),
    ),
    renderFamily("nv_inference_request_failure", ["counter", "Records that ended without a result"], failures),
    "",
  ].join("\n");
}
