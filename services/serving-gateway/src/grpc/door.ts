// SPDX-License-Identifier: Apache-2.0
import { constants, type ServerHttp2Stream } from "node:http2";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type Metadata,
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from "@grpc/grpc-js";
import { type Caller, noRoom, type Visit } from "../clients.ts";
import type { Gateway } from "../gateway.ts";
import { toProblem } from "../problem.ts";
import { nameRefusals, type Refusal, refuseTooLarge, toRefusal } from "./status.ts";

/** Who may call a method: anyone, as probes do; callers that are let in; of those, administrators. */
export type Who = "anyone" | "callers" | "admin";

/** Lets calls in by their metadata, before a message is read. */
export type Door = {
  intercept: ServerInterceptor;
  /** The visit of a call whose message is there, by its metadata. Whoever takes it has to leave. */
  take(metadata: Metadata): Visit | undefined;
};

type Call = Parameters<ServerInterceptor>[1];

/** More is in no message of a method that anyone may call. */
const OPEN_BYTES = 64 * 2 ** 10;
/** Beyond the time of a request, as over HTTP. */
const SLOW_MS = 30_000;

/**
 * Asks who calls, and whether there is room, once the metadata of a call are there: its message is read when it is let in, and
 * until then waits within the window of HTTP/2, 64 KiB. The library hands a message on when it is whole, so its bytes are
 * counted where the library gets them: at the stream, which it hides. Two things are not possible so: to reserve a message's
 * length before its bytes come, and to count what a packed message becomes, which `bodyBytes` bounds for each call.
 *
 * @param findWho who may call the method of a path; nothing for a path that is none
 */
export function createDoor(
  { clients, config, retryAfter }: Pick<Gateway, "clients" | "config" | "retryAfter">,
  findWho: (path: string) => Who | undefined,
): Door {
  const visits = new WeakMap<Metadata, Visit>();

  const letIn = (call: Call, metadata: Metadata, who: Who): Refusal | undefined => {
    if (who === "anyone") {
      countBytes(call, (total) => (total > OPEN_BYTES ? refuseTooLarge : undefined));
      return undefined;
    }
    try {
      const visit = clients.admit(toCaller(call, metadata), who === "admin" ? who : undefined);
      visits.set(metadata, visit);
      const full = (): Refusal => toRefusal(toProblem(noRoom(), retryAfter));
      countBytes(call, (_total, bytes) => (clients.hold(visit, bytes) ? undefined : full()));
      const timer = setTimeout(() => visits.has(metadata) && refuse(call, tooSlow), config.requestMs + SLOW_MS);
      streamOf(call).once("close", () => {
        clearTimeout(timer);
        // Whose message never came whole, nobody else lets out.
        if (visits.has(metadata)) clients.leave(visit);
      });
      return undefined;
    } catch (error) {
      return toRefusal(toProblem(error, retryAfter));
    }
  };

  return {
    intercept(method, call) {
      const named = nameRefusals(method, call);
      const who = findWho(method.path);
      if (who === undefined) return named;
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, next) => {
          const refusal = letIn(call, metadata, who);
          if (refusal === undefined) next(metadata);
          else refuse(call, refusal);
        })
        .build();
      return new ServerInterceptingCall(named, new ResponderBuilder().withStart((next) => next(listener)).build());
    },
    take(metadata) {
      const visit = visits.get(metadata);
      visits.delete(metadata);
      return visit;
    },
  };
}

const streamOf = (call: Call): ServerHttp2Stream => (call as unknown as { stream: ServerHttp2Stream }).stream;

/** Has each piece of a call's messages judged. The stream is not set flowing by it: the library paused it. */
function countBytes(call: Call, judge: (total: number, bytes: number) => Refusal | undefined): void {
  let total = 0;
  const take = ({ length }: Buffer): void => {
    total += length;
    const refusal = judge(total, length);
    if (refusal === undefined) return;
    streamOf(call).off("data", take);
    refuse(call, refusal);
  };
  streamOf(call).on("data", take);
}

/** The status is all that is said; what the caller would still send is not wanted. */
function refuse(call: Call, refusal: Refusal): void {
  call.sendStatus(refusal);
  setImmediate(() => streamOf(call).close(constants.NGHTTP2_NO_ERROR));
}

const tooSlow = toRefusal(
  toProblem(new BulwarkError("SERVING_REQUEST_SLOW", "The message did not arrive in time", "send it faster")),
  status.DEADLINE_EXCEEDED,
);

function toCaller(call: Call, metadata: Metadata): Caller {
  const [authorization] = metadata.get("authorization");
  const subject = call.getAuthContext().sslPeerCertificate?.subject.CN;
  return {
    authorization: authorization?.toString(),
    certificate: Array.isArray(subject) ? subject[0] : subject,
    address: call.getPeer().replace(/:\d+$/, ""),
  };
}
