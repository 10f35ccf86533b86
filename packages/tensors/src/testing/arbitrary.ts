// SPDX-License-Identifier: Apache-2.0
import fc from "fast-check";
import { isFloating, LAYOUTS, type NumericDatatype, toTensor, WHOLE_RANGES } from "../datatypes.ts";
import type { Tensor } from "../tensor.ts";

const name = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => text !== "__proto__");
const shape = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });

/** Any tensor: every datatype, empty and scalar shapes, NaN, infinities, the whole range of whole numbers. */
export function tensor({ isText }: { isText: boolean }): fc.Arbitrary<Tensor> {
  const datatype = fc.constantFrom(...(Object.keys(LAYOUTS) as NumericDatatype[]), "BYTES" as const);
  return fc.tuple(name, datatype, shape).chain(([given, type, sizes]) => {
    const count = sizes.reduce((product, size) => product * size, 1);
    const exactly = { minLength: count, maxLength: count };
    if (type === "BYTES") {
      const text = fc.string({ unit: "grapheme" }).map((value) => Buffer.from(value, "utf8"));
      const element = isText ? text : fc.oneof(text, fc.uint8Array());
      return fc.array(element, exactly).map((data) => toTensor(given, type, sizes, data));
    }
    return fc.array(elementOf(type), exactly).map((values) => {
      const data = LAYOUTS[type].make(count);
      // The layout of the datatype takes what `elementOf` made for it.
      for (const [at, value] of values.entries()) (data as unknown as (number | bigint)[])[at] = value;
      return toTensor(given, type, sizes, data);
    });
  });
}

function elementOf(type: NumericDatatype): fc.Arbitrary<number | bigint> {
  if (type === "BOOL") return fc.nat({ max: 1 });
  if (isFloating(type)) return type === "FP64" ? fc.double() : fc.float();
  const [min, max] = WHOLE_RANGES[type] ?? [0n, 0n];
  return type.endsWith("INT64") ? fc.bigInt({ min, max }) : fc.integer({ min: Number(min), max: Number(max) });
}
