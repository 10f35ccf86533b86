// SPDX-License-Identifier: Apache-2.0
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { ERRORS, type ErrorCode } from "./errors/index.ts";

type Refusal = { code: ErrorCode; error: string; mend: string };

const NO_REQUEST: Refusal = {
  code: "SERVING_REQUEST",
  error: "These bytes are no request of HTTP",
  mend: "look at the address: is the port one for HTTP, and is TLS spoken there or not?",
};

/** By node's codes; whatever else it cannot read is no request. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    code: "SERVING_HEAD_TOO_LARGE",
    error: "The head of the request is larger than the server takes",
    mend: "send fewer or shorter headers, and what is long in the body",
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: "SERVING_REQUEST_SLOW",
    error: "The request was not there in time",
    mend: "send it faster, or less at once",
  },
};

/**
 * For a server's `clientError`: answers what is no HTTP as the Open Inference Protocol answers errors, and ends the
 * connection. Says nothing where an answer is under way, since whoever reads it would take this for part of it.
 */
export function answerNoHttp(error: Error & { code?: string }, socket: Socket): void {
  const { code = "" } = error;
  if (/^(HPE|ERR_HTTP)_/.test(code) && mayAnswer(socket)) socket.write(write(REFUSALS[code] ?? NO_REQUEST));
  socket.destroy();
}

/** Node offers no other way to ask for the answer that a connection is at; its own handler asks the same. */
type AtAnswer = Socket & { _httpMessage?: ServerResponse | null };

function mayAnswer(socket: Socket): boolean {
  if (!socket.writable || socket.writableLength > 0) return false;
  const { _httpMessage: answer } = socket as AtAnswer;
  // Behind a request that is complete the bytes are no part of it, and its own answer is still to come.
  return !answer || (!answer.headersSent && !answer.req.complete);
}

function write({ code, error, mend }: Refusal): string {
  const { http } = ERRORS[code];
  const body = JSON.stringify({ error, code, mend });
  return [
    `HTTP/1.1 ${http} ${STATUS_CODES[http]}`,
    "Connection: close",
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${Buffer.byteLength(body)}`,
    `\r\n${body}`,
  ].join("\r\n");
}
