// SPDX-License-Identifier: Apache-2.0
import { Readable } from "node:stream";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Gateway } from "../gateway.ts";
import { type Generating, generate } from "../generate.ts";
import { toOipError, toProblem } from "../problem.ts";
import { leave } from "./door.ts";
import { type Handler, JSON_TYPE, param, sendProblem, toPresence } from "./request.ts";

const EVENT_STREAM = "text/event-stream; charset=utf-8";
/** How long after the end of its time a caller that reads nothing is let be. */
const GRACE_MS = 1_000;
const CANCELLED = new BulwarkError("SERVING_CANCELLED", "The caller went away", "send the request again");

/** What became of a request: said once, whatever happens after. */
type Outcome = { done(version: string): void; failed(error: unknown): void };

/**
 * Triton's generate extension (triton-inference-server/server, extension_generate.md): `generate` answers with one JSON
 * object, `generate_stream` with a server-sent event for each step.
 */
export function generateHandler(gateway: Gateway, form: "whole" | "events"): Handler {
  const send = form === "whole" ? sendWhole : sendEvents;
  return async (request, reply) => {
    const outcome = openOutcome(gateway, request);
    const release = (): void => leave(gateway, request);
    try {
      const asked = {
        model: param(request, "model") ?? "",
        version: param(request, "version"),
        body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
        ...toPresence(request),
      };
      await send(gateway, generate(gateway, asked), { reply, outcome, release });
    } catch (error) {
      outcome.failed(error);
      release();
      sendProblem(gateway, reply, error);
    }
    return reply;
  };
}

function openOutcome({ metrics, now }: Gateway, request: FastifyRequest): Outcome {
  const startedAt = now();
  const model = param(request, "model") ?? "";
  let isTold = false;
  const once = (tell: () => void): void => {
    if (!isTold) tell();
    isTold = true;
  };
  return {
    done: (version) => once(() => metrics.done({ model, version, protocol: "generate", startedAt })),
    failed: (error) => once(() => metrics.failed(model, toProblem(error).code)),
  };
}

type Answer = { reply: FastifyReply; outcome: Outcome; release: () => void };

async function sendWhole(
  _gateway: Gateway,
  generating: Generating,
  { reply, outcome, release }: Answer,
): Promise<void> {
  const json = await generating.whole();
  outcome.done(generating.version);
  release();
  void reply.type(JSON_TYPE).send(json);
}

/** What fails before the first event is an answer with its status; what fails later is an event, and the end. */
async function sendEvents(
  gateway: Gateway,
  generating: Generating,
  { reply, outcome, release }: Answer,
): Promise<void> {
  const events = generating.events();
  const first = await events.next();
  const isGone = () => reply.raw.socket?.destroyed !== false;
  async function* write(): AsyncGenerator<string, void, void> {
    try {
      if (first.done !== true) yield toEvent(first.value);
      for await (const json of events) yield toEvent(json);
      outcome.done(generating.version);
    } catch (error) {
      outcome.failed(error);
      if (!isGone()) yield toEvent(toOipError(toProblem(error)));
    }
  }
  // It asks for the next event when the caller has taken the last: steps are not computed for nobody.
  const stream = Readable.from(write());
  const endLimit = limit(gateway, generating.deadline, () => reply.raw.destroy());
  stream.once("close", () => {
    endLimit();
    // A stream that nobody read to its end was given up.
    outcome.failed(CANCELLED);
    release();
  });
  void reply
    .type(EVENT_STREAM)
    .header("cache-control", "no-cache")
    // Reverse proxies would gather events.
    .header("x-accel-buffering", "no")
    .send(stream);
}

const toEvent = (json: string): string => `data: ${json}\n\n`;

/** Cuts a caller off that does not read, once its time or the server's is over. */
function limit({ cutting, now }: Gateway, deadline: number, cut: () => void): () => void {
  const timer = setTimeout(cut, deadline - now() + GRACE_MS).unref();
  let last: NodeJS.Timeout | undefined;
  const onCutting = (): void => {
    last = setTimeout(cut, GRACE_MS).unref();
  };
  cutting.addEventListener("abort", onCutting, { once: true });
  return () => {
    clearTimeout(timer);
    clearTimeout(last);
    cutting.removeEventListener("abort", onCutting);
  };
}
