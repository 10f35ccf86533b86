// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance, FastifyReply } from "fastify";
import { createCanary } from "../canary.ts";
import type { Gateway } from "../gateway.ts";
import { toOipError } from "../problem.ts";
import { JSON_TYPE } from "./request.ts";

/** Open Inference Protocol, health: whether the process is alive, and whether it takes requests. */
export function addHealthRoutes(server: FastifyInstance, { models, stopping }: Gateway): void {
  server.get("/v2/health/live", () => ({ live: true }));
  // The specification's table says `ready`, its example `live`: both are there.
  server.get("/v2/health/ready", (_request, reply) => sendReady(reply, !stopping.aborted && models.isReady()));
}

/** `/v2/health/started`: whether a request has gone the whole way, through the queue to an engine and back. */
export function addStartedRoute(server: FastifyInstance, gateway: Gateway): void {
  const canary = createCanary(gateway);
  server.get("/v2/health/started", async (_request, reply) => {
    const problem = await canary();
    if (problem === undefined) return { started: true };
    return reply.code(503).type(JSON_TYPE).send(toOipError(problem));
  });
}

export function sendReady(reply: FastifyReply, isReady: boolean, more: object = {}): void {
  void reply.code(isReady ? 200 : 503).send({ ...more, ready: isReady, live: true });
}
