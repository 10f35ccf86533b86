// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { DIALECTS, type Dialect, readInstances, writePredictions } from "@bulwark/tensors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Gateway, toSchedule } from "../gateway.ts";
import { findOlderModel, predict } from "../older.ts";
import { type Problem, toProblem } from "../problem.ts";
import { door, endUnread, guard, leave } from "./door.ts";
import { addModelSecureRoute } from "./model-secure.ts";
import { type Handler, param, readSchedule, toPresence } from "./request.ts";

export const TEXT = "text/plain; charset=UTF-8";
const WELCOME = "welcome to BigDL web serving frontend";
/** A caller may ask for another dialect than the server's. */
const DIALECT_HEADER = "bulwark-dialect";
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];

/** The HTTP surface of BigDL Cluster Serving, of both of its front ends. */
export function addOlderRoutes(server: FastifyInstance, gateway: Gateway): void {
  const welcome: Handler = (request, reply) => {
    endUnread(request, reply);
    void reply.type(TEXT).send(WELCOME);
  };
  server.route({ method: METHODS, url: "/", handler: welcome });
  const showMetrics = metricsHandler(gateway);
  server.get("/metrics", {
    onRequest: door(gateway),
    handler(request, reply) {
      // It would count itself among those under way.
      leave(gateway, request);
      return showMetrics(request, reply);
    },
  });
  const show: Handler = (request, reply) =>
    gateway.timers.time("retrive.servable", () => showModel(gateway, request, reply));
  server.get(
    "/models",
    guard(gateway, () => gateway.timers.time("retrive.servables", () => listModels(gateway))),
  );
  server.get("/models/:model", guard(gateway, show));
  server.get("/models/:model/versions/:version", guard(gateway, show));
  server.post("/predict", {
    onRequest: door(gateway),
    handler: (request, reply) => sendPrediction(gateway, request, reply, { model: undefined, failure: () => 400 }),
  });
  server.post("/models/:model/versions/:version/predict", {
    onRequest: door(gateway),
    handler: (request, reply) =>
      sendPrediction(gateway, request, reply, { model: param(request, "model"), failure: toFrontEndStatus }),
  });
  addModelSecureRoute(server, gateway);
}

function throwText(reply: FastifyReply, status: number, text: string): void {
  void reply.code(status).type(TEXT).send(text);
}

/** The first front end's codes: 404 for an unknown model, 405 for what it would not serve, 500 for the rest. */
function toFrontEndStatus({ status }: Problem): number {
  if (status === 404) return 404;
  return status < 500 ? 405 : 500;
}

/** Whether a request speaks to the older surface, also where it has no such path. */
export const isOlder = ({ url }: FastifyRequest): boolean => /^\/(predict|models|model-secure)(\/|\?|$)/.test(url);

/** Answers what failed outside of a prediction, such as a body that is too large, as the path's front end would have. */
export function sendOlderProblem(
  { retryAfter }: Pick<Gateway, "retryAfter">,
  { url }: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): void {
  sendFailure(reply, toProblem(error, retryAfter), url.startsWith("/predict") ? () => 400 : toFrontEndStatus);
}

type Surface = { model: string | undefined; failure: (problem: Problem) => number };

async function sendPrediction(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  { model: named, failure }: Surface,
): Promise<FastifyReply> {
  const { metrics, timers, now, config, models, split } = gateway;
  const startedAt = now();
  let model = named ?? "";
  try {
    model = named ?? findOlderModel(gateway);
    const wanted = param(request, "version") ?? split(model);
    const { version } = timers.time("retrive.servable", () => models.describe(model, wanted));
    const content = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
    const instances = timers.time("activity.make", () => readInstances(content, config.tensorLimits));
    const schedule = toSchedule(gateway, readSchedule(request));
    const predictions = await predict(gateway, { model, version, instances, ...schedule, ...toPresence(request) });
    const dialect = readDialect(request, config.older.dialect);
    const body = timers.time("response.handling", () => writePredictions(dialect, predictions));
    metrics.done({ model, version, protocol: "older", startedAt });
    return reply.type(TEXT).send(body);
  } catch (error) {
    const problem = toProblem(error, gateway.retryAfter);
    metrics.failed(model, problem.code);
    return sendFailure(reply, problem, failure);
  } finally {
    leave(gateway, request);
  }
}

function readDialect({ headers }: FastifyRequest, usual: Dialect): Dialect {
  const wanted = headers[DIALECT_HEADER];
  if (wanted === undefined) return usual;
  if (DIALECTS.includes(wanted as Dialect)) return wanted as Dialect;
  throw new BulwarkError("SERVING_REQUEST", `There is no dialect ${String(wanted).slice(0, 20)}`, DIALECTS.join(", "));
}

const OURS = new Set([401, 413, 415, 503, 504]);

/** Limits are answered with their own codes, which the older server did not have; all else as it did. */
function sendFailure(reply: FastifyReply, problem: Problem, failure: Surface["failure"]): FastifyReply {
  const { status, code, message, mend, retryAfter } = problem;
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (status === 429)
    return reply
      .code(status)
      .type(TEXT)
      .send(JSON.stringify({ error: "limited" }, undefined, 2));
  return reply
    .code(OURS.has(status) ? status : failure(problem))
    .type(TEXT)
    .send(status === 404 ? "Model Not Found" : `${code}: ${message}; ${mend}`);
}

function listModels({ models }: Gateway): object[] {
  return models
    .list()
    .filter(({ state }) => state === "READY")
    .map(({ model, version }) => toMetadata(models.describe(model, version), model));
}

function showModel(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): unknown {
  const { models } = gateway;
  const model = param(request, "model") ?? "";
  const version = param(request, "version");
  const found = models
    .list()
    .filter((status) => status.model === model && status.version === (version ?? status.version));
  if (found.length === 0) {
    throwText(reply, 404, "Model Not Found");
    return reply;
  }
  const all = found
    .filter(({ state }) => state === "READY")
    .map((status) => toMetadata(models.describe(model, status.version), model));
  return version === undefined ? all : all[0];
}

function toMetadata({ version, inputs }: ReturnType<Gateway["models"]["describe"]>, model: string): object {
  return {
    modelName: model,
    modelVersion: version,
    modelType: "ONNX",
    inputCompileType: "direct",
    features: inputs.map(({ name }) => name),
  };
}

/** In Prometheus' format, or as the older server had it. */
export function metricsHandler(gateway: Gateway): Handler {
  return (request, reply) => gateway.timers.time("request.metrics", () => sendMetrics(gateway, request, reply));
}

async function sendMetrics({ metrics }: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { format } = request.query as { format?: string };
  const wantsJson = request.headers.accept?.includes("application/json") === true;
  if (format === "bigdl" || (format === undefined && wantsJson)) return reply.send(metrics.report());
  return reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics.render());
}
