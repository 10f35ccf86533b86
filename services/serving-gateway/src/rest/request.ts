// SPDX-License-Identifier: Apache-2.0
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Caller } from "../clients.ts";
import type { Call, Gateway, Schedule } from "../gateway.ts";
import { toOipError, toProblem } from "../problem.ts";

export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> | unknown;

export const JSON_TYPE = "application/json; charset=utf-8";

/** Answers with an error of the Open Inference Protocol. */
export function sendProblem({ retryAfter }: Pick<Gateway, "retryAfter">, reply: FastifyReply, error: unknown): void {
  const problem = toProblem(error, retryAfter);
  if (problem.retryAfter !== undefined) reply.header("retry-after", problem.retryAfter);
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  void reply.code(problem.status).type(JSON_TYPE).send(toOipError(problem));
}

/** Who sent a request. */
export function toCaller({ raw }: FastifyRequest): Caller {
  const socket = raw.socket as Partial<TLSSocket> & { remoteAddress?: string };
  const certificate = socket.authorized === true ? socket.getPeerCertificate?.().subject?.CN : undefined;
  return {
    authorization: raw.headers.authorization,
    certificate: Array.isArray(certificate) ? certificate[0] : certificate,
    address: socket.remoteAddress ?? "",
  };
}

/** Whether the caller of a request is still there. */
export function toPresence({ raw }: FastifyRequest): Pick<Call, "isGone"> {
  return { isGone: () => raw.socket.destroyed };
}

const signals = new WeakMap<Socket, AbortSignal>();

/** Aborted when the caller goes away: one for each connection, however many requests come by it. */
export function toSignal({ raw: { socket } }: FastifyRequest): AbortSignal {
  const known = signals.get(socket);
  if (known !== undefined) return known;
  const controller = new AbortController();
  socket.once("close", () => controller.abort());
  signals.set(socket, controller.signal);
  return controller.signal;
}

/** What headers say of a request's place among others, where its body has no parameters. */
export function readSchedule({ headers }: FastifyRequest): Schedule {
  const read = (name: string): number | undefined => {
    const text = headers[name];
    return text === undefined ? undefined : Number(text === "" ? Number.NaN : text);
  };
  return { timeout: read("bulwark-timeout"), priority: read("bulwark-priority") };
}

/** A parameter of the path. */
export function param(request: FastifyRequest, name: string): string | undefined {
  return (request.params as Record<string, string | undefined>)[name];
}
