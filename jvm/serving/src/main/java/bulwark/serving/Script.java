// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A Lua step of Redis: the very files from which the embedded engine's steps are made, packed into this jar. */
enum Script {
  TAKE("take-3"),
  FINISH("finish-6+2"),
  LOSE("lose-2"),
  BEAT("beat-3"),
  LEAVE("leave-6"),
  ORDERS("orders-1");

  private final byte[] text;
  private final byte[] sha1;

  Script(String name) {
    try (InputStream file = Script.class.getResourceAsStream("lua/" + name + ".lua")) {
      if (file == null) throw new IllegalStateException("lua/" + name + ".lua is not in the jar");
      text = file.readAllBytes();
      // Redis names scripts by SHA-1.
      byte[] digest = MessageDigest.getInstance("SHA-1").digest(text);
      sha1 = HexFormat.of().formatHex(digest).getBytes(StandardCharsets.US_ASCII);
    } catch (IOException cause) {
      throw new UncheckedIOException(cause);
    } catch (NoSuchAlgorithmException cause) {
      throw new IllegalStateException(cause);
    }
  }

  byte[] text() {
    return text;
  }

  byte[] sha1() {
    return sha1;
  }
}
