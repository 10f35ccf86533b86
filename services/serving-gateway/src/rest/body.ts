// SPDX-License-Identifier: Apache-2.0
import type { IncomingHttpHeaders } from "node:http";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type InferRequest,
  type InferResponse,
  readInferBinary,
  readInferJson,
  writeInferBinary,
  writeInferJson,
} from "@bulwark/tensors";
import type { FastifyReply } from "fastify";
import type { Gateway } from "../gateway.ts";
import { JSON_TYPE } from "./request.ts";

export const HEADER_LENGTH = "inference-header-content-length";
export const BINARY_TYPE = "application/octet-stream";

/** The request in a body: JSON, or with a header that says where its JSON ends, binary. Throws what its reader throws. */
export function readRequest(
  { config }: Gateway,
  body: Buffer | undefined,
  { [HEADER_LENGTH]: header }: IncomingHttpHeaders,
): InferRequest {
  const bytes = body ?? Buffer.alloc(0);
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
