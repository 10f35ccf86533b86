// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type Gateway, infer, toSchedule } from "../gateway.ts";
import { PLATFORM, SERVER } from "../identity.ts";
import { toProblem } from "../problem.ts";
import { protocolOf, readRequest, writeResponse } from "./body.ts";
import { door, guard, leave } from "./door.ts";
import { generateHandler } from "./generate.ts";
import { addHealthRoutes, sendReady } from "./health.ts";
import { type Handler, param, sendProblem, toPresence } from "./request.ts";

const MODEL = "/v2/models/:model";
const VERSION = `${MODEL}/versions/:version`;

/** Open Inference Protocol v2 over HTTP (kserve/open-inference-protocol, inference_rest.md). */
export function addOipRoutes(server: FastifyInstance, gateway: Gateway): void {
  const { models } = gateway;
  server.get(
    "/v2",
    guard(gateway, () => SERVER),
  );
  addHealthRoutes(server, gateway);
  for (const path of [MODEL, VERSION]) {
    server.get(
      path,
      guard(gateway, (request) => describeModel(gateway, request)),
    );
    server.get(`${path}/ready`, (request, reply) => {
      const name = param(request, "model") ?? "";
      return sendReady(reply, models.isReady(name, param(request, "version")), { name });
    });
    const onRequest = door(gateway);
    server.post(`${path}/infer`, { onRequest, handler: inferHandler(gateway) });
    server.post(`${path}/generate`, { onRequest, handler: generateHandler(gateway, "whole") });
    server.post(`${path}/generate_stream`, { onRequest, handler: generateHandler(gateway, "events") });
  }
}

function describeModel({ models, timers }: Gateway, request: FastifyRequest): object {
  const name = param(request, "model") ?? "";
  const { inputs, outputs, version } = timers.time("retrive.servable", () =>
    models.describe(name, param(request, "version")),
  );
  const versions = models.list().flatMap((status) => (status.model === name ? [status.version] : []));
  return { name, versions, version, platform: PLATFORM, inputs, outputs };
}

/**
 * One request through one function: with hooks and a schema, the framework's share of a small request would be as large
 * as the model's.
 */
function inferHandler(gateway: Gateway): Handler {
  const { metrics, timers, now } = gateway;
  return async (request, reply) => {
    const startedAt = now();
    const model = param(request, "model") ?? "";
    try {
      const { headers } = request.raw;
      const asked = timers.time("activity.make", () =>
        readRequest(gateway, request.body as Buffer | undefined, headers),
      );
      const inference = await infer(gateway, {
        model,
        version: param(request, "version"),
        inputs: asked.inputs,
        outputs: asked.outputs?.map(({ name }) => name),
        ...toSchedule(gateway, asked.parameters),
        ...toPresence(request),
      });
      const body = timers.time("response.handling", () => writeResponse(reply, asked, { ...inference, id: asked.id }));
      metrics.done({ model, version: inference.version, protocol: protocolOf(headers), startedAt });
      return body;
    } catch (error) {
      metrics.failed(model, toProblem(error).code);
      sendProblem(gateway, reply, error);
      return reply;
    } finally {
      leave(gateway, request);
    }
  };
}
