// SPDX-License-Identifier: Apache-2.0
import fastify, { type FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { toOipError } from "../problem.ts";
import { addAsyncRoutes } from "./async.ts";
import { addOipRoutes } from "./oip.ts";
import { addOlderRoutes } from "./older.ts";
import { addOpenApiRoutes } from "./openapi.ts";
import { addRepositoryRoutes } from "./repository.ts";
import { JSON_TYPE, sendProblem } from "./request.ts";

/** What TLS needs; absent for plain HTTP. */
export type ServerTls = { key: Buffer; cert: Buffer; ca: Buffer; mustShowCertificate: boolean };

/** The HTTP server with all surfaces; not listening yet. */
export function createRestServer(gateway: Gateway, tls?: ServerTls): FastifyInstance {
  const server = fastify({
    ...(tls === undefined
      ? {}
      : {
          https: {
            key: tls.key,
            cert: tls.cert,
            ca: tls.ca,
            minVersion: "TLSv1.3",
            requestCert: tls.mustShowCertificate,
            rejectUnauthorized: tls.mustShowCertificate,
          },
        }),
    bodyLimit: gateway.config.bodyBytes,
    exposeHeadRoutes: false,
    // A caller that sends its request a byte at a time does not hold a place for ever.
    requestTimeout: gateway.config.requestMs + 30_000,
    keepAliveTimeout: 75_000,
    return503OnClosing: false,
    // Ids of submitted requests hold the name of their model.
    routerOptions: { maxParamLength: 1_000 },
  }) as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, _request, reply) => sendProblem(reply, error));
  server.setNotFoundHandler((_request, reply) => {
    void reply.code(404).type(JSON_TYPE).send(toOipError(NO_ROUTE));
  });
  addOipRoutes(server, gateway);
  addAsyncRoutes(server, gateway);
  addRepositoryRoutes(server, gateway);
  addOlderRoutes(server, gateway);
  addOpenApiRoutes(server);
  return server;
}

const NO_ROUTE = {
  status: 404,
  code: "SERVING_ROUTE",
  message: "The server has no such path",
  mend: "look at GET /docs for those it has",
} as const;
