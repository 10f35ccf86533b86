// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import {
  type handleBidiStreamingCall,
  Metadata,
  ResponderBuilder,
  type Server,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from "@grpc/grpc-js";
import { type Problem, toProblem } from "../problem.ts";

/** How a call ends that has no answer. */
export type Refusal = { code: status; details: string; metadata: Metadata };

const CODE = "bulwark-code";

/** gRPC's status for each of HTTP's. */
const STATUSES: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  413: status.INVALID_ARGUMENT,
  429: status.RESOURCE_EXHAUSTED,
  499: status.CANCELLED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

/** Code, message and mend as text, since gRPC has no fields for them; the code as a trailer, too. */
export function toRefusal(problem: Problem, code: status = STATUSES[problem.status] ?? status.INTERNAL): Refusal {
  const metadata = new Metadata();
  metadata.set(CODE, problem.code);
  if (problem.retryAfter !== undefined) metadata.set("retry-after", String(problem.retryAfter));
  // It may quote half a character of a caller's, which the library could not send.
  const details = `${problem.code}: ${problem.message}; ${problem.mend}`.toWellFormed();
  return { code, details, metadata };
}

const refuse = (code: ErrorCode, message: string, mend: string, as?: status): Refusal =>
  toRefusal(toProblem(new BulwarkError(code, message, mend)), as);
const TOO_LARGE = "The message is larger than the server takes";
const LESS = "send less at once, or ask the operator for a higher limit";

export const refuseTooLarge = refuse("TENSOR_TOO_LARGE", TOO_LARGE, LESS, status.RESOURCE_EXHAUSTED);

/** What the library refuses by itself, before a method of ours is called. What it cannot unpack, it calls an error of ours. */
const OF_THE_LIBRARY: Readonly<Partial<Record<status, Refusal>>> = {
  [status.RESOURCE_EXHAUSTED]: refuseTooLarge,
  [status.DEADLINE_EXCEEDED]: refuse("SERVING_DEADLINE", "The call's deadline passed", "give it more time"),
  [status.UNIMPLEMENTED]: refuse(
    "SERVING_UNSUPPORTED",
    "The server knows no such call",
    "send one message, as gzip or as it is",
  ),
  [status.INTERNAL]: refuse("SERVING_REQUEST", "The call cannot be read", "send what gRPC asks for"),
};

/**
 * Has a method that is none refused as every other call is. The library would do it past all interceptors, so its list of
 * methods is what is changed: for each that it lacks it has this one, which waits for no message.
 */
export function nameUnknownMethods(server: Server): void {
  const { handlers } = server as unknown as { handlers: Map<string, unknown> };
  const refuseCall: handleBidiStreamingCall<Buffer, Buffer> = (call) =>
    void call.emit("error", OF_THE_LIBRARY[status.UNIMPLEMENTED]);
  const pass = (bytes: Buffer): Buffer => bytes;
  server.register("", refuseCall, pass, pass, "bidi");
  const find = handlers.get.bind(handlers);
  handlers.get = (path) => find(path) ?? find("");
}

/**
 * Gives our codes to what the library refuses by itself. It sends such a status past all interceptors, so the call's own way
 * of sending is what is changed.
 */
export const nameRefusals: ServerInterceptor = (_method, call) => {
  const send = call.sendStatus.bind(call);
  let isAnswered = false;
  call.sendStatus = (given) => {
    const isOurs = given.metadata?.get(CODE).length === 1;
    send((isOurs || isAnswered ? undefined : OF_THE_LIBRARY[given.code ?? status.UNKNOWN]) ?? given);
  };
  const noticing = new ResponderBuilder().withSendMessage((message, next) => {
    isAnswered = true;
    next(message);
  });
  return new ServerInterceptingCall(call, noticing.build());
};
