// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import ai.onnxruntime.platform.Fp16Conversions;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Elements of tensors as numbers, one by one, and between datatypes. */
final class Numbers {
  private static final BigInteger TWO_64 = BigInteger.ONE.shiftLeft(64);

  private Numbers() {}

  static double[] toDoubles(Tensor tensor) {
    ByteBuffer data = tensor.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[tensor.elements()];
    for (int at = 0; at < values.length; at++) values[at] = nextDouble(data, tensor.datatype());
    return values;
  }

  /**
   * The tensor with its elements in another datatype. Throws TENSOR_VALUE for an element that the datatype does not
   * have.
   */
  static Tensor convert(Tensor tensor, Datatype wanted) throws Refusal {
    ByteBuffer from = tensor.data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    int count = tensor.elements();
    ByteBuffer to = ByteBuffer.allocate(count * wanted.width()).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < count; at++) {
      switch (wanted) {
        case FP16 -> to.putShort(Fp16Conversions.floatToFp16((float) nextDouble(from, tensor.datatype())));
        case FP32 -> to.putFloat((float) nextDouble(from, tensor.datatype()));
        case FP64 -> to.putDouble(nextDouble(from, tensor.datatype()));
        default -> putWhole(to, wanted, requireWhole(from, tensor, wanted));
      }
    }
    return Tensor.ofNumbers(tensor.name(), wanted, tensor.shape(), to.flip());
  }

  /** Writes a whole number as the datatype has it; of an unsigned one, the lowest bits. */
  static void putWhole(ByteBuffer to, Datatype datatype, long value) {
    switch (datatype.width()) {
      case 1 -> to.put((byte) value);
      case 2 -> to.putShort((short) value);
      case 4 -> to.putInt((int) value);
      default -> to.putLong(value);
    }
  }

  private static long requireWhole(ByteBuffer from, Tensor tensor, Datatype wanted) throws Refusal {
    if (tensor.datatype().isFloating()) {
      double value = nextDouble(from, tensor.datatype());
      if (Double.isFinite(value) && value == Math.rint(value)) {
        BigInteger whole = new BigDecimal(value).toBigInteger();
        if (wanted.holds(whole)) return whole.longValue();
      }
      throw outside(tensor, Double.toString(value), wanted);
    }
    long raw = nextWhole(from, tensor.datatype());
    BigInteger whole = BigInteger.valueOf(raw);
    if (tensor.datatype() == Datatype.UINT64 && raw < 0) whole = whole.add(TWO_64);
    if (wanted.holds(whole)) return raw;
    throw outside(tensor, whole.toString(), wanted);
  }

  private static Refusal outside(Tensor tensor, String value, Datatype wanted) {
    String message = "Input " + Refusal.quote(tensor.name()) + " holds " + value + ", which is no " + wanted;
    return new Refusal("TENSOR_VALUE", message, "send a value that the datatype has");
  }

  private static double nextDouble(ByteBuffer from, Datatype datatype) {
    return switch (datatype) {
      case FP16 -> Fp16Conversions.fp16ToFloat(from.getShort());
      case FP32 -> from.getFloat();
      case FP64 -> from.getDouble();
      case UINT64 -> toDouble(from.getLong());
      default -> nextWhole(from, datatype);
    };
  }

  private static double toDouble(long unsigned) {
    return unsigned >= 0 ? unsigned : BigInteger.valueOf(unsigned).add(TWO_64).doubleValue();
  }

  private static long nextWhole(ByteBuffer from, Datatype datatype) {
    return switch (datatype) {
      case BOOL, UINT8 -> from.get() & 0xff;
      case INT8 -> from.get();
      case UINT16 -> from.getShort() & 0xffff;
      case INT16 -> from.getShort();
      case UINT32 -> from.getInt() & 0xffff_ffffL;
      case INT32 -> from.getInt();
      default -> from.getLong();
    };
  }
}
