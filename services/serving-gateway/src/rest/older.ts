// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { DIALECTS, type Dialect, readInstances, writePredictions } from "@bulwark/tensors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Gateway, toSchedule } from "../gateway.ts";
import { findOlderModel, predict } from "../older.ts";
import { type Problem, toProblem } from "../problem.ts";
import { addModelSecureRoute } from "./model-secure.ts";
import { guard, param, readSchedule, toCaller, toPresence } from "./request.ts";

const TEXT = "text/plain; charset=UTF-8";
const WELCOME = "welcome to BigDL web serving frontend";
/** A caller may ask for another dialect than the server's. */
const DIALECT_HEADER = "bulwark-dialect";
const METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"];

/** The HTTP surface of BigDL Cluster Serving, of both of its front ends. */
export function addOlderRoutes(server: FastifyInstance, gateway: Gateway): void {
  server.route({ method: METHODS, url: "/", handler: (_request, reply) => void reply.type(TEXT).send(WELCOME) });
  addMetricsRoute(server, gateway);
  server.get(
    "/models",
    guard(gateway, () => listModels(gateway)),
  );
  server.get(
    "/models/:model",
    guard(gateway, (request, reply) => showModel(gateway, request, reply)),
  );
  server.get(
    "/models/:model/versions/:version",
    guard(gateway, (request, reply) => showModel(gateway, request, reply)),
  );
  server.post("/predict", (request, reply) =>
    sendPrediction(gateway, request, reply, { model: undefined, failure: () => 400 }),
  );
  server.post("/models/:model/versions/:version/predict", (request, reply) =>
    sendPrediction(gateway, request, reply, { model: param(request, "model"), failure: toFrontEndStatus }),
  );
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

type Surface = { model: string | undefined; failure: (problem: Problem) => number };

async function sendPrediction(
  gateway: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
  { model: named, failure }: Surface,
): Promise<FastifyReply> {
  const { clients, metrics, now, config, models, split } = gateway;
  const startedAt = now();
  let model = named ?? "";
  let release: (() => void) | undefined;
  try {
    release = clients.admit(toCaller(request));
    model = named ?? findOlderModel(gateway);
    const { version } = models.describe(model, param(request, "version") ?? split(model));
    const instances = readInstances((request.body as Buffer | undefined) ?? Buffer.alloc(0), config.tensorLimits);
    const schedule = toSchedule(gateway, readSchedule(request));
    const predictions = await predict(gateway, { model, version, instances, ...schedule, ...toPresence(request) });
    const body = writePredictions(readDialect(request, config.older.dialect), predictions);
    metrics.done({ model, version, protocol: "older", startedAt });
    return reply.type(TEXT).send(body);
  } catch (error) {
    const problem = toProblem(error);
    metrics.failed(model, problem.code);
    return sendFailure(reply, problem, failure);
  } finally {
    release?.();
  }
}

function readDialect({ headers }: FastifyRequest, usual: Dialect): Dialect {
  const wanted = headers[DIALECT_HEADER];
  if (wanted === undefined) return usual;
  if (DIALECTS.includes(wanted as Dialect)) return wanted as Dialect;
  throw new BulwarkError("SERVING_REQUEST", `There is no dialect ${String(wanted).slice(0, 20)}`, DIALECTS.join(", "));
}

/** Limits are answered with their own codes, which the older server did not have; all else as it did. */
function sendFailure(reply: FastifyReply, problem: Problem, failure: Surface["failure"]): FastifyReply {
  const { status, code, message, mend, retryAfter } = problem;
  if (retryAfter !== undefined) reply.header("retry-after", retryAfter);
  if (status === 429)
    return reply
      .code(status)
      .type(TEXT)
      .send(JSON.stringify({ error: "limited" }, undefined, 2));
  const isOurs = status === 401 || status === 413 || status === 503 || status === 504;
  return reply
    .code(isOurs ? status : failure(problem))
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
export function addMetricsRoute(server: FastifyInstance, gateway: Gateway): void {
  server.get("/metrics", (request, reply) => sendMetrics(gateway, request, reply));
}

async function sendMetrics({ metrics }: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { format } = request.query as { format?: string };
  const wantsJson = request.headers.accept?.includes("application/json") === true;
  if (format === "bigdl" || (format === undefined && wantsJson)) return reply.send(metrics.report());
  return reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics.render());
}
