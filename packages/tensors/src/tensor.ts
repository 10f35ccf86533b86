// SPDX-License-Identifier: Apache-2.0

/**
 * The array that holds the elements of each datatype of the Open Inference Protocol v2, row-major. Nothing is widened or
 * narrowed on its way through: an INT64 stays 64 bits, an FP16 stays 16.
 */
export type DataByType = {
  /** 0 or 1 per element. */
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  FP16: Float16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  /** Strings as UTF-8, or any other bytes. */
  BYTES: readonly Uint8Array[];
};

export type Datatype = keyof DataByType;

/** A tensor of one datatype: `data.length` is the product of `shape`. */
export type TensorOf<Type extends Datatype> = {
  readonly name: string;
  readonly datatype: Type;
  readonly shape: readonly number[];
  readonly data: DataByType[Type];
};

/** The one tensor type: what every protocol is read into, every engine computes on, every answer is written from. */
export type Tensor = { [Type in Datatype]: TensorOf<Type> }[Datatype];
export type NumericTensor = Exclude<Tensor, TensorOf<"BYTES">>;

/** Name, datatype and shape of an input or output of a model; -1 is a dimension that may be any. */
export type TensorInfo = { readonly name: string; readonly datatype: Datatype; readonly shape: readonly number[] };
