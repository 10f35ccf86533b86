// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from "node:http";
import type { Transform } from "node:stream";
import { createGunzip, createInflate } from "node:zlib";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { FastifyRequest } from "fastify";
import { noRoom } from "../clients.ts";
import type { Gateway } from "../gateway.ts";

type Done = (error: Error | null, body?: Buffer) => void;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
};

/**
 * Reads the body of a request that was let in, of at most `bodyBytes`, decoded. One that comes in one piece is not copied, as
 * the framework's own reader would: Node's parser gives each piece memory of its own, and memory outside the heap is what its
 * collector runs for. Its bytes count among those of all bodies: at once where its length is known, else as they come.
 * Ends with TENSOR_TOO_LARGE, ENGINE_BUSY, SERVING_ENCODING, SERVING_REQUEST; without a body where none is taken.
 */
export function readBody(
  { clients, config: { bodyBytes: limit } }: Pick<Gateway, "clients" | "config">,
  { visit }: Pick<FastifyRequest, "visit">,
  payload: IncomingMessage,
  done: Done,
): void {
  if (!visit) {
    done(null);
    return;
  }
  const { "content-length": length, "content-encoding": encoding = "identity" } = payload.headers;
  const declared = Number(length ?? Number.NaN);
  const isPlain = encoding === "identity";
  const decoder = isPlain ? undefined : DECODERS[encoding.toLowerCase()]?.();
  const isCounted = isPlain && declared >= 0;
  const refusal =
    (declared > limit && tooLarge()) ||
    (!isPlain && decoder === undefined && unknownEncoding(encoding)) ||
    (isCounted && !clients.hold(visit, declared) && noRoom());
  if (refusal) {
    done(refusal);
    return;
  }

  const source = decoder === undefined ? payload : payload.pipe(decoder);
  const pieces: Buffer[] = [];
  let taken = 0;
  const end = (error: Error | null): void => {
    payload.off("error", fail);
    source.off("data", take).off("end", finish);
    if (decoder !== undefined) {
      payload.unpipe(decoder);
      decoder.destroy();
    }
    if (error !== null) done(error);
    else done(null, pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, taken));
  };
  const take = (piece: Buffer): void => {
    taken += piece.length;
    if (taken > limit) end(tooLarge());
    else if (!isCounted && !clients.hold(visit, piece.length)) end(noRoom());
    else pieces.push(piece);
  };
  const finish = (): void => end(isCounted && taken !== declared ? cutShort() : null);
  const fail = (cause: Error): void => end(cutShort(cause));
  payload.on("error", fail);
  source.on("data", take).on("end", finish);
  decoder?.once("error", (cause) => end(undecodable(encoding, cause)));
}

function tooLarge(): BulwarkError {
  const mend = "send less at once, or ask the operator for a higher limit";
  return new BulwarkError("TENSOR_TOO_LARGE", "The body is larger than the server takes", mend);
}

function cutShort(cause?: Error): BulwarkError {
  const message = "The body is not as long as its Content-Length says";
  return new BulwarkError("SERVING_REQUEST", message, "send the whole body", { cause });
}

function unknownEncoding(encoding: string): BulwarkError {
  const message = `The body is encoded as ${encoding.slice(0, 40)}`;
  return new BulwarkError("SERVING_ENCODING", message, "send it as gzip, deflate, or as it is");
}

function undecodable(encoding: string, cause: Error): BulwarkError {
  return new BulwarkError("SERVING_REQUEST", `The body is no ${encoding}`, "send what Content-Encoding says", {
    cause,
  });
}
