// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from "node:http";
import { BulwarkError } from "@bulwark/contracts/errors";

type Done = (error: Error | null, body?: Buffer) => void;

/**
 * Reads a body of at most `limit` bytes. One that comes in one piece is not copied, as the framework's own reader would:
 * Node's parser gives each piece memory of its own, and memory outside the heap is what its collector runs for.
 * Ends with TENSOR_TOO_LARGE, SERVING_REQUEST.
 */
export function readBody(payload: IncomingMessage, limit: number, done: Done): void {
  const declared = Number(payload.headers["content-length"] ?? Number.NaN);
  const pieces: Buffer[] = [];
  let length = 0;
  const end = (error: Error | null): void => {
    payload.off("data", take).off("end", finish).off("error", fail);
    if (error !== null) done(error);
    else done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, length));
  };
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length > limit) end(tooLarge());
    else pieces.push(piece);
  };
  const finish = (): void => end(declared >= 0 && length !== declared ? cutShort() : null);
  const fail = (cause: Error): void => end(cutShort(cause));
  if (declared > limit) done(tooLarge());
  else payload.on("data", take).on("end", finish).on("error", fail);
}

function tooLarge(): BulwarkError {
  const mend = "send less at once, or ask the operator for a higher limit";
  return new BulwarkError("TENSOR_TOO_LARGE", "The body is larger than the server takes", mend);
}

function cutShort(cause?: Error): BulwarkError {
  const message = "The body is not as long as its Content-Length says";
  return new BulwarkError("SERVING_REQUEST", message, "send the whole body", { cause });
}
