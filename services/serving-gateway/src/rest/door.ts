// SPDX-License-Identifier: Apache-2.0
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from "fastify";
import type { Visit } from "../clients.ts";
import type { Gateway } from "../gateway.ts";
import { toProblem } from "../problem.ts";
import { type Handler, param, toCaller } from "./request.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Set once the request was let in. */
    visit: Visit | null;
  }
}

/** A route's hook and handler. */
export type Guarded = { onRequest: onRequestHookHandler; handler: Handler };

/**
 * Asks who calls, and whether there is room, by the head of a request: of whoever is refused no body is read. Whoever is let
 * in has to leave.
 */
export function door({ clients, metrics }: Gateway, need?: "admin"): onRequestHookHandler {
  return (request, _reply, done) => {
    try {
      request.visit = clients.admit(toCaller(request), need);
    } catch (error) {
      if (request.method === "POST") metrics.failed(param(request, "model") ?? "", toProblem(error).code);
      done(error as Error);
      return;
    }
    done();
  };
}

/** Says that a request is over. */
export function leave({ clients }: Pick<Gateway, "clients">, { visit }: FastifyRequest): void {
  if (visit) clients.leave(visit);
}

/** Lets a request in before its body, and out behind its handler. */
export function guard(gateway: Gateway, handler: Handler, need?: "admin"): Guarded {
  return {
    onRequest: door(gateway, need),
    handler: async (request, reply) => {
      try {
        return await handler(request, reply);
      } finally {
        leave(gateway, request);
      }
    },
  };
}

/** A body of this size is read away, so that the connection serves on. */
const SMALL_BYTES = 64 * 2 ** 10;
const LINGER_MS = 2_000;

/**
 * Ends a connection behind an answer to a request whose body nobody reads, unless little of it can come. To close it at once
 * would reset it, with which the answer may be lost to a caller who is still sending (RFC 9112, section 9.6): so for a while
 * what comes is thrown away.
 */
export function endUnread({ raw }: FastifyRequest, reply: FastifyReply): void {
  const { "content-length": length = 0, "transfer-encoding": coding } = raw.headers;
  const { socket } = raw;
  if (raw.complete || socket.destroyed || (coding === undefined && Number(length) <= SMALL_BYTES)) return;
  reply.raw.shouldKeepAlive = false;
  // What Node calls once the answer is out.
  socket.destroySoon = () => {
    socket.end();
    // Past the parser: another request on this connection is nobody's.
    socket
      .removeAllListeners("data")
      .on("data", () => {})
      .resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("close", () => clearTimeout(timer));
  };
}
