// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { answerNoHttp } from "@bulwark/contracts/no-http";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Gateway } from "../gateway.ts";
import { toOipError } from "../problem.ts";
import { addTracing } from "../tracing.ts";
import { addAsyncRoutes } from "./async.ts";
import { endUnread, leave } from "./door.ts";
import { addHealthRoutes, addStartedRoute } from "./health.ts";
import { addOipRoutes } from "./oip.ts";
import { addOlderRoutes, isOlder, metricsHandler, sendOlderProblem, TEXT } from "./older.ts";
import { addOpenApiRoutes } from "./openapi.ts";
import { readBody } from "./read-body.ts";
import { addRepositoryRoutes } from "./repository.ts";
import { JSON_TYPE, sendProblem } from "./request.ts";

/** What TLS needs; absent for plain HTTP. */
export type ServerTls = { key: Buffer; cert: Buffer; ca: Buffer; mustShowCertificate: boolean };

/** The HTTP server with all surfaces; not listening yet. */
export function createRestServer(gateway: Gateway, tls?: ServerTls): FastifyInstance {
  const refuse = (given: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = toOwn(given);
    leave(gateway, request);
    endUnread(request, reply);
    if (isOlder(request)) sendOlderProblem(gateway, request, reply, error);
    else sendProblem(gateway, reply, error);
  };
  const server = fastify({
    ...toHttps(tls),
    exposeHeadRoutes: false,
    frameworkErrors: refuse,
    clientErrorHandler: answerNoHttp,
    // A caller that sends its request a byte at a time does not hold a place for ever.
    requestTimeout: gateway.config.requestMs + 30_000,
    keepAliveTimeout: 75_000,
    return503OnClosing: false,
    // Ids of submitted requests hold the name of their model.
    routerOptions: { maxParamLength: 1_000 },
  }) as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.decorateRequest("visit", null);
  server.addContentTypeParser("*", (request, payload, done) => readBody(gateway, request, payload, done));
  server.setErrorHandler(refuse);
  server.setNotFoundHandler((request, reply) => {
    endUnread(request, reply);
    if (isOlder(request))
      void reply.code(404).type(TEXT).send(`${NO_ROUTE.code}: ${NO_ROUTE.message}; ${NO_ROUTE.mend}`);
    else void reply.code(404).type(JSON_TYPE).send(toOipError(NO_ROUTE));
  });
  if (gateway.tracing !== undefined) addTracing(server, gateway.tracing);
  addOipRoutes(server, gateway);
  addAsyncRoutes(server, gateway);
  addRepositoryRoutes(server, gateway);
  addOlderRoutes(server, gateway);
  addOpenApiRoutes(server);
  return server;
}

/** What probes and Prometheus ask, and nothing that requests could come by. */
export function createHealthServer(gateway: Gateway, tls?: ServerTls): FastifyInstance {
  // Who probes has no certificate.
  const open = tls === undefined ? undefined : { ...tls, mustShowCertificate: false };
  const settings = { ...toHttps(open), exposeHeadRoutes: false, clientErrorHandler: answerNoHttp };
  const server = fastify(settings) as unknown as FastifyInstance;
  addHealthRoutes(server, gateway);
  addStartedRoute(server, gateway);
  server.get("/metrics", metricsHandler(gateway));
  return server;
}

/** From now on each answer is the last of its connection: whoever asks again connects anew, to a server that stays. */
export function closeAfterAnswers({ server }: FastifyInstance): void {
  // Those whose answer has begun were told that they may go on: they end as soon as they have nothing to do.
  server.keepAliveTimeout = 1;
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
}

function toHttps(tls: ServerTls | undefined): object {
  if (tls === undefined) return {};
  const { key, cert, ca, mustShowCertificate: requestCert } = tls;
  return { https: { key, cert, ca, minVersion: "TLSv1.3", requestCert, rejectUnauthorized: requestCert } };
}

/** What the framework refuses by itself, a content type or a path that is none, has a status and no code of ours. */
function toOwn(error: unknown): unknown {
  const { statusCode = 500 } = error as { statusCode?: number };
  if (error instanceof BulwarkError || statusCode >= 500) return error;
  const mend = "look at its path and its content-type";
  return new BulwarkError("SERVING_REQUEST", "The head of the request cannot be read", mend, { cause: error });
}

const NO_ROUTE = {
  status: 404,
  code: "SERVING_ROUTE",
  message: "The server has no such path",
  mend: "look at GET /docs for those it has",
} as const;
