// SPDX-License-Identifier: Apache-2.0
import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Counts } from "./runner.ts";

/** What the process says of itself to probes and Prometheus. */
export type Health = {
  /** Its models are loaded and it takes records. */
  isReady(): boolean;
  counts(): Readonly<Counts>;
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

/** In Prometheus' text format. */
function render(health: Health): string {
  const records = Object.entries(health.counts()).map(
    ([outcome, count]) => `bulwark_engine_records_total{outcome="${outcome}"} ${count}`,
  );
  return [
    "# HELP bulwark_engine_ready 1 when its models are loaded and it takes records",
    "# TYPE bulwark_engine_ready gauge",
    `bulwark_engine_ready ${health.isReady() ? 1 : 0}`,
    "# HELP bulwark_engine_records_total Records by what became of them",
    "# TYPE bulwark_engine_records_total counter",
    ...records,
    "# HELP process_resident_memory_bytes Resident memory of the engine",
    "# TYPE process_resident_memory_bytes gauge",
    `process_resident_memory_bytes ${health.residentBytes()}`,
    "",
  ].join("\n");
}
