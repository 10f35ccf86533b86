// SPDX-License-Identifier: Apache-2.0
import { isFloating, LAYOUTS, WHOLE_RANGES } from "../datatypes.ts";
import { quote, refusal } from "../refuse.ts";
import { demandLength } from "../shape.ts";
import type { Datatype, Tensor } from "../tensor.ts";

/** Names of the numbers that JSON cannot write, as the JSON mapping of Protocol Buffers 3 has them. */
const NAMED: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

type Place = { name: string; datatype: Datatype; shape: readonly number[]; count: number };

/**
 * The data of a tensor from parsed JSON, flat or nested as its shape, each element checked against its datatype.
 * Throws TENSOR_SHAPE, TENSOR_VALUE.
 */
export function readJsonData(place: Place, data: unknown): Tensor["data"] {
  const flat = flatten(place, data);
  if (place.datatype === "BYTES") return flat.map((value, at) => readText(place, value, at));
  const out = LAYOUTS[place.datatype].make(place.count);
  if (isFloating(place.datatype)) {
    const fits = out as Float64Array;
    for (let at = 0; at < flat.length; at++) fits[at] = readFloat(place, flat[at], at, fits);
  } else if (out instanceof BigInt64Array || out instanceof BigUint64Array) {
    for (let at = 0; at < flat.length; at++) out[at] = readWhole(place, flat[at], at);
  } else if (place.datatype === "BOOL") {
    for (let at = 0; at < flat.length; at++) out[at] = readBoolean(place, flat[at], at);
  } else {
    for (let at = 0; at < flat.length; at++) out[at] = Number(readWhole(place, flat[at], at));
  }
  return out;
}

/** Elements in row-major order. Arrays are followed as deep as the shape goes, so nesting cannot exhaust the stack. */
function flatten(place: Place, data: unknown): readonly unknown[] {
  const { shape, count, name } = place;
  if (!Array.isArray(data)) {
    if (shape.length === 0 && data !== undefined) return [data];
    throw refusal("TENSOR_MALFORMED", `Tensor ${quote(name)} has no list of data`);
  }
  if (!Array.isArray(data[0])) {
    demandLength(data.length, count, name);
    return data;
  }
  let level: readonly unknown[] = [data];
  for (const [depth, size] of shape.entries()) {
    const next: unknown[] = [];
    for (const part of level) {
      if (!Array.isArray(part) || part.length !== size) {
        throw refusal("TENSOR_SHAPE", `The data of tensor ${quote(name)} is not ${size} long at depth ${depth}`);
      }
      for (const element of part) next.push(element);
    }
    level = next;
  }
  return level;
}

const wrong = ({ name, datatype }: Place, at: number, found: unknown): Error =>
  refusal("TENSOR_VALUE", `Element ${at} of tensor ${quote(name)} is ${describeValue(found)}, which is no ${datatype}`);

function describeValue(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "bigint") return "a number out of range";
  return Array.isArray(value) ? "a list" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}

function readFloat(place: Place, value: unknown, at: number, out: Float64Array): number {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string" && Object.hasOwn(NAMED, value)) return NAMED[value] ?? Number.NaN;
  if (typeof value !== "number") throw wrong(place, at, value);
  out[at] = value;
  if (!Number.isFinite(out[at])) throw wrong(place, at, value);
  return value;
}

function readWhole(place: Place, value: unknown, at: number): bigint {
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) throw wrong(place, at, value);
  const whole = BigInt(value as number | bigint);
  const [least, most] = WHOLE_RANGES[place.datatype] ?? [0n, 0n];
  if (whole < least || whole > most) throw wrong(place, at, value);
  return whole;
}

function readBoolean(place: Place, value: unknown, at: number): number {
  if (value === true || value === 1) return 1;
  if (value === false || value === 0) return 0;
  throw wrong(place, at, value);
}

function readText(place: Place, value: unknown, at: number): Uint8Array {
  if (typeof value !== "string") throw wrong(place, at, value);
  return Buffer.from(value, "utf8");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The data of a tensor as a flat JSON list. Throws TENSOR_VALUE for bytes that are no UTF-8. */
export function writeJsonData(tensor: Tensor): string {
  const { datatype, data, name } = tensor;
  if (datatype === "BYTES") return `[${data.map((bytes) => JSON.stringify(decodeText(bytes, name))).join(",")}]`;
  if (datatype === "BOOL") return `[${Array.from(data, (value) => value !== 0).join(",")}]`;
  if (!isFloating(datatype)) return `[${data.join(",")}]`;
  const floats = data as Float64Array;
  return floats.every(isPlain) ? `[${floats.join(",")}]` : `[${Array.from(floats, writeFloat).join(",")}]`;
}

/** Numbers whose usual text is JSON and reads back as themselves. */
const isPlain = (value: number): boolean => (value !== 0 && Number.isFinite(value)) || Object.is(value, 0);

function writeFloat(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  return Number.isFinite(value) ? String(value) : JSON.stringify(String(value));
}

function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw refusal(
      "TENSOR_VALUE",
      `Output ${quote(name)} holds bytes that are no UTF-8, which JSON cannot carry`,
      'ask for it as binary: "parameters": {"binary_data_output": true}',
    );
  }
}
