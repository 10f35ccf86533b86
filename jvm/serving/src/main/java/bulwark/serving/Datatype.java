// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.TensorInfo.OnnxTensorType;
import java.math.BigInteger;

/**
 * The datatypes of the Open Inference Protocol. Their order is part of the form of records (packages/queue,
 * tensor-frame): new ones are added at the end.
 */
enum Datatype {
  BOOL(1, OnnxJavaType.BOOL),
  UINT8(1, OnnxJavaType.UINT8),
  // ONNX Runtime's Java part reads these three and cannot make them.
  UINT16(2, null),
  UINT32(4, null),
  UINT64(8, null),
  INT8(1, OnnxJavaType.INT8),
  INT16(2, OnnxJavaType.INT16),
  INT32(4, OnnxJavaType.INT32),
  INT64(8, OnnxJavaType.INT64),
  FP16(2, OnnxJavaType.FLOAT16),
  FP32(4, OnnxJavaType.FLOAT),
  FP64(8, OnnxJavaType.DOUBLE),
  /** Strings; their width is their own. */
  BYTES(0, OnnxJavaType.STRING);

  private static final Datatype[] ALL = values();

  private final int width;
  private final OnnxJavaType inputType;

  Datatype(int width, OnnxJavaType inputType) {
    this.width = width;
    this.inputType = inputType;
  }

  int width() {
    return width;
  }

  OnnxJavaType inputType() {
    return inputType;
  }

  boolean isFloating() {
    return this == FP16 || this == FP32 || this == FP64;
  }

  /** Whether a whole number is in its range; of BOOL these are 0 and 1. */
  boolean holds(BigInteger whole) {
    if (this == BOOL) return whole.signum() >= 0 && whole.bitLength() <= 1;
    boolean isUnsigned = name().startsWith("U");
    if (isUnsigned) return whole.signum() >= 0 && whole.bitLength() <= 8 * width;
    return whole.bitLength() < 8 * width;
  }

  /** Null for a number that stands for none. */
  static Datatype of(int number) {
    return number < ALL.length ? ALL[number] : null;
  }

  /** Null for those that no serving protocol carries. */
  static Datatype of(OnnxTensorType type) {
    return switch (type) {
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL -> BOOL;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 -> UINT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16 -> UINT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32 -> UINT32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64 -> UINT64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 -> INT8;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16 -> INT16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 -> INT32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 -> INT64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 -> FP16;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT -> FP32;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE -> FP64;
      case ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING -> BYTES;
      default -> null;
    };
  }
}
