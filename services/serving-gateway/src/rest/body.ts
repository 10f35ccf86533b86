// SPDX-License-Identifier: Apache-2.0
import type { IncomingHttpHeaders } from "node:http";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type InferRequest,
  type InferResponse,
  readInferArrow,
  readInferBinary,
  readInferJson,
  writeInferArrow,
  writeInferBinary,
  writeInferJson,
} from "@bulwark/tensors";
import type { FastifyReply } from "fastify";
import type { Gateway } from "../gateway.ts";
import type { Protocol } from "../metrics.ts";
import { JSON_TYPE } from "./request.ts";

export const HEADER_LENGTH = "inference-header-content-length";
export const BINARY_TYPE = "application/octet-stream";
/** An Arrow IPC stream, as registered with IANA. */
export const ARROW_TYPE = "application/vnd.apache.arrow.stream";

const isArrow = ({ "content-type": type }: IncomingHttpHeaders): boolean => type?.startsWith(ARROW_TYPE) === true;

/** Whether an answer is to be Arrow: where it is asked for, or the request was and nothing else is asked for. */
function wantsArrow(headers: IncomingHttpHeaders): boolean {
  const { accept } = headers;
  if (accept?.includes(ARROW_TYPE) === true) return true;
  return isArrow(headers) && accept?.includes("json") !== true;
}

/** The form of a request, as metrics name it. */
export function protocolOf(headers: IncomingHttpHeaders): Protocol {
  if (headers[HEADER_LENGTH] !== undefined) return "oip-binary";
  return isArrow(headers) ? "oip-arrow" : "oip-json";
}

/**
 * The request in a body: JSON, or with a header that says where its JSON ends, binary, or by its type Arrow. Throws what
 * its reader throws.
 */
export function readRequest({ config }: Gateway, body: Buffer | undefined, headers: IncomingHttpHeaders): InferRequest {
  const bytes = body ?? Buffer.alloc(0);
  if (isArrow(headers)) return readInferArrow(bytes, config.tensorLimits);
  const header = headers[HEADER_LENGTH];
  if (header === undefined) return readInferJson(bytes, config.tensorLimits);
  return readInferBinary(bytes, typeof header === "string" ? Number(header) : Number.NaN, config.tensorLimits);
}

/** The body of an answer, in the form that was asked for; its headers are set. Throws SERVING_UNSUPPORTED, TENSOR_VALUE. */
export function writeResponse(
  reply: FastifyReply,
  { outputs, prefersBinary }: Pick<InferRequest, "outputs" | "prefersBinary">,
  response: InferResponse,
): string | Buffer {
  if (outputs?.some(({ classification }) => classification !== undefined) === true) {
    throw new BulwarkError("SERVING_UNSUPPORTED", "This server classifies nothing", "leave classification out");
  }
  if (wantsArrow(reply.request.raw.headers)) {
    reply.header("content-type", ARROW_TYPE);
    return writeInferArrow(response);
  }
  if (!prefersBinary && outputs?.some(({ isBinary }) => isBinary) !== true) {
    reply.header("content-type", JSON_TYPE);
    return writeInferJson(response);
  }
  const isBinary = (name: string): boolean =>
    outputs?.find((output) => output.name === name)?.isBinary ?? prefersBinary;
  const { headerLength, body } = writeInferBinary(response, isBinary);
  reply.header("content-type", BINARY_TYPE).header(HEADER_LENGTH, headerLength);
  return body;
}
