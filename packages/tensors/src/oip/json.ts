// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Limits } from "../limits.ts";
import { refusal } from "../refuse.ts";
import type { InferRequest } from "./messages.ts";
import { type Described, readInferRequest } from "./request.ts";
import { scanFloats } from "./scan-numbers.ts";

/**
 * Reads a JSON body. Lists of plain numbers for FP32 are read straight from the bytes; anything else goes the careful
 * way, which also gives the errors. Throws what `readInferRequest` throws.
 */
export function readInferJson(body: Buffer, limits: Limits): InferRequest {
  return readByScanning(body, limits) ?? readByParsing(body, limits);
}

function readByParsing(body: Buffer, limits: Limits): InferRequest {
  return readInferRequest(parseJson(body.toString("utf8")), limits);
}

/** Where both are in a text, a double may lose digits that its tensor keeps. */
const WIDE_DATATYPE = "INT64";
const MANY_DIGITS = /\d{16}/;
const WHOLE = /^-?\d+$/;

/**
 * Parses JSON; beside 64-bit datatypes (`isWide` where the text does not name them), whole numbers that a double cannot hold become bigints, from their own digits.
 * Throws TENSOR_MALFORMED.
 */
export function parseJson(text: string, isWide: boolean = text.includes(WIDE_DATATYPE)): unknown {
  try {
    return isWide && MANY_DIGITS.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    // The parser's own words quote the request, which may be confidential.
    throw refusal("TENSOR_MALFORMED", "The body is not JSON");
  }
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string } = {}): unknown {
  const isLossy = typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined;
  return isLossy && WHOLE.test(source) ? BigInt(source) : value;
}

/** A list of numbers that was cut out of the body. */
type Cut = { from: number; to: number; taken: boolean };

const KEY = Buffer.from('"data"');
const [OPEN, CLOSE, COLON] = [0x5b, 0x5d, 0x3a];

/**
 * The quick way: the flat lists behind every `"data":` are cut out, the rest is parsed as JSON with the number of the
 * cut in its place, and each list is scanned where its input asks for it. Undefined when that is not possible: a
 * backslash (a name could hide behind an escape), `data` that is no list, a datatype other than FP32, a list that holds
 * anything but numbers, or a cut that is not asked for exactly once.
 */
function readByScanning(body: Buffer, limits: Limits): InferRequest | undefined {
  const found = cutLists(body);
  if (found === undefined) return undefined;
  const { skeleton, cuts } = found;
  const scan = ({ datatype, count, data }: Described): Float32Array => {
    const cut = typeof data === "number" ? cuts[data] : undefined;
    if (datatype !== "FP32" || cut === undefined || cut.taken) throw refusal("TENSOR_MALFORMED", "not for scanning");
    cut.taken = true;
    const out = new Float32Array(count);
    if (scanFloats(body, cut.from, cut.to, out) === count) return out;
    throw refusal("TENSOR_MALFORMED", "not for scanning");
  };
  try {
    const request = readInferRequest(parseJson(skeleton), limits, scan);
    return cuts.every(({ taken }) => taken) ? request : undefined;
  } catch (error) {
    // The careful way finds the same fault, or none, and says which.
    if (error instanceof BulwarkError) return undefined;
    throw error;
  }
}

function cutLists(body: Buffer): { skeleton: string; cuts: Cut[] } | undefined {
  const cuts: Cut[] = [];
  let skeleton = "";
  let end = 0;
  for (let key = body.indexOf(KEY); key !== -1; key = body.indexOf(KEY, end)) {
    let at = skipSpace(body, key + KEY.length);
    if (body[at] !== COLON) return undefined;
    at = skipSpace(body, at + 1);
    const close = body[at] === OPEN ? body.indexOf(CLOSE, at) : -1;
    if (close === -1) return undefined;
    skeleton += `${body.toString("utf8", end, at)}${cuts.length}`;
    cuts.push({ from: at + 1, to: close, taken: false });
    end = close + 1;
  }
  skeleton += body.toString("utf8", end);
  return cuts.length === 0 || skeleton.includes("\\") ? undefined : { skeleton, cuts };
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++;
  return at;
}
