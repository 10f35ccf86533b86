// SPDX-License-Identifier: Apache-2.0
import type { Span, Tracing } from "@bulwark/tracing";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Asked by machines every few seconds: their traces tell nobody anything. */
const QUIET = /^\/(metrics|started|v2\/health\/.*)$|\/ready$/;

/** Every request but those of probes is a step, from its head to its answer; steps below it are made in its handler. */
export function addTracing(server: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  server.addHook("onRequest", (request, _reply, done) => {
    const { url: route } = request.routeOptions;
    const { traceparent } = request.headers;
    if (route !== undefined && !QUIET.test(route)) {
      const parent = typeof traceparent === "string" ? traceparent : undefined;
      spans.set(request, tracing.begin(`${request.method} ${route}`, "server", parent));
    }
    done();
  });
  // Behind the body, whose arrival begins a turn of its own.
  server.addHook("preHandler", (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.within(() => done());
  });
  server.addHook("onResponse", (request, reply, done) => {
    const { statusCode } = reply;
    const attributes = { ...describe(request), "http.response.status_code": statusCode };
    spans.get(request)?.end(attributes, statusCode < 500 ? undefined : String(statusCode));
    done();
  });
  server.addHook("onRequestAbort", (request, done) => {
    spans.get(request)?.end(describe(request), "SERVING_CANCELLED");
    done();
  });
}

function describe(request: FastifyRequest): Record<string, string> {
  const { model, version } = (request.params ?? {}) as { model?: string; version?: string };
  return {
    "http.request.method": request.method,
    "http.route": request.routeOptions.url ?? "",
    ...(model === undefined ? {} : { "bulwark.model": model }),
    ...(version === undefined ? {} : { "bulwark.version": version }),
  };
}
