// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Durable } from "../durable/index.ts";
import { type Gateway, toSchedule } from "../gateway.ts";
import { toProblem } from "../problem.ts";
import type { Ended } from "../webhooks/index.ts";
import { BINARY_TYPE, readRequest, writeResponse } from "./body.ts";
import { guard } from "./door.ts";
import { JSON_TYPE, param, readSchedule, toSignal } from "./request.ts";

/** A request or result that its asker sealed for the engine, which the gateway hands on unread. */
export const SEALED_TYPE = "application/vnd.bulwark.sealed";
const URI_HEADER = "bulwark-uri";
const LONGEST_WAIT_SECONDS = 60;

/**
 * Asynchronous requests: taken in now (202, with an id), computed even if this process ends, fetched from any gateway.
 * Whoever has an id may fetch its result; nobody can guess one.
 */
export function addAsyncRoutes(server: FastifyInstance, gateway: Gateway): void {
  for (const path of ["/v2/models/:model/requests", "/v2/models/:model/versions/:version/requests"]) {
    server.post(
      path,
      guard(gateway, (request, reply) => submit(gateway, request, reply)),
    );
  }
  server.get(
    "/v2/requests/:id",
    guard(gateway, (request, reply) => poll(gateway, request, reply)),
  );
  server.delete(
    "/v2/requests/:id",
    guard(gateway, async (request, reply) => {
      await requireDurable(gateway).remove(param(request, "id") ?? "");
      return reply.code(204).send();
    }),
  );
}

function requireDurable({ durable }: Gateway): Durable {
  if (durable !== undefined) return durable;
  const mend = "use infer, or start the server with a queue";
  throw new BulwarkError("SERVING_UNSUPPORTED", "Asynchronous requests need a queue, and there is none", mend);
}

async function submit(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const durable = requireDurable(gateway);
  const { models, metrics } = gateway;
  const model = param(request, "model") ?? "";
  try {
    // A model that is not there is refused now; its inputs are judged by the engine.
    models.describe(model, param(request, "version"));
    const isSealed = request.headers["content-type"] === SEALED_TYPE;
    const id = isSealed ? await submitSealed(gateway, durable, request) : await submitPlain(gateway, durable, request);
    return sendPending(reply, id);
  } catch (error) {
    metrics.failed(model, toProblem(error).code);
    throw error;
  }
}

async function submitPlain(gateway: Gateway, durable: Durable, request: FastifyRequest): Promise<string> {
  const { body, headers } = request;
  const model = param(request, "model") ?? "";
  const asked = readRequest(gateway, body as Buffer | undefined, headers);
  const { webhook } = asked.parameters;
  const hook = webhook === undefined ? undefined : requireWebhooks(gateway).accept(webhook);
  const outputs = asked.outputs?.map(({ name }) => name);
  const { id } = await durable.submit(model, param(request, "version") ?? gateway.split(model), asked.inputs, {
    ...toSchedule(gateway, asked.parameters, gateway.config.asyncMs),
    ...(outputs === undefined ? {} : { outputs }),
  });
  if (hook !== undefined) {
    gateway.webhooks?.watch({ id, url: hook, ended: (signal) => awaitEnd(gateway, durable, { id, signal }) });
  }
  return id;
}

async function submitSealed(gateway: Gateway, durable: Durable, request: FastifyRequest): Promise<string> {
  const uri = request.headers[URI_HEADER];
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const schedule = toSchedule(gateway, readSchedule(request), gateway.config.asyncMs);
  const { id } = await durable.submitSealed(String(uri ?? ""), body, schedule);
  return id;
}

function requireWebhooks({ webhooks }: Gateway): NonNullable<Gateway["webhooks"]> {
  if (webhooks !== undefined) return webhooks;
  throw new BulwarkError("SERVING_UNSUPPORTED", "This server calls no webhooks", "poll GET /v2/requests/ID?wait=60");
}

/** Waits until a request has ended, at most until no engine would take it any more. */
async function awaitEnd(
  { config, now }: Gateway,
  durable: Durable,
  { id, signal }: { id: string; signal: AbortSignal },
): Promise<Ended | undefined> {
  const limit = now() + config.asyncMs + LONGEST_WAIT_SECONDS * 1000;
  while (now() < limit && !signal.aborted) {
    try {
      const result = await durable.result(id, { waitMs: LONGEST_WAIT_SECONDS * 1000, signal });
      if (result !== "pending") return { state: "succeeded" };
    } catch (error) {
      const { code } = toProblem(error);
      // Taken back: there is nothing to tell.
      if (code === "RESULT_UNKNOWN") return undefined;
      if (code !== "QUEUE_UNREACHABLE") return { state: "failed", code };
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
  return undefined;
}

async function poll(gateway: Gateway, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const durable = requireDurable(gateway);
  const id = param(request, "id") ?? "";
  const waitMs = readWait((request.query as { wait?: string }).wait) * 1000;
  const signal = AbortSignal.any([gateway.stopping, toSignal(request)]);
  const { accept } = request.headers;
  if (accept === SEALED_TYPE) {
    const value = await durable.sealedResult(id, { waitMs, signal });
    return value === "pending" ? sendPending(reply, id) : reply.type(SEALED_TYPE).send(value);
  }
  const result = await durable.result(id, { waitMs, signal });
  if (result === "pending") return sendPending(reply, id);
  const asked = { outputs: undefined, prefersBinary: accept === BINARY_TYPE };
  return reply.send(writeResponse(reply, asked, { ...result, id }));
}

function readWait(text: string | undefined): number {
  const seconds = text === undefined ? 0 : Number(text);
  if (text !== "" && seconds >= 0 && seconds <= LONGEST_WAIT_SECONDS) return seconds;
  const mend = `?wait=SECONDS, from 0 to ${LONGEST_WAIT_SECONDS}`;
  throw new BulwarkError("SERVING_REQUEST", "The time to wait is no number of seconds", mend);
}

function sendPending(reply: FastifyReply, id: string): FastifyReply {
  const location = `/v2/requests/${id}`;
  return reply
    .code(202)
    .header("location", location)
    .header("retry-after", 1)
    .type(JSON_TYPE)
    .send(JSON.stringify({ id, state: "pending", location }));
}
