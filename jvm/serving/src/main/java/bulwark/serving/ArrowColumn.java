// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.nio.ByteBuffer;
import java.util.List;

/** A column of a record batch, as far as the payloads of older clients have them. */
sealed interface ArrowColumn {
  String name();

  /** Values as they lie there, little-endian; which of them are null is left alone, as the older server did. */
  record Values(String name, Datatype datatype, int rows, ByteBuffer values) implements ArrowColumn {}

  record Texts(String name, List<byte[]> values) implements ArrowColumn {}

  record Items(String name, ArrowColumn item) implements ArrowColumn {}

  record Struct(String name, List<ArrowColumn> children) implements ArrowColumn {}
}
