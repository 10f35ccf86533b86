// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.util.Base64;
import java.util.regex.Pattern;

/** Base64 as strangers write it: in lines, with its padding or without. */
final class Base64Text {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9+/\\s]++={0,2}\\s*+");
  private static final int GROUP = 4;

  private Base64Text() {}

  static boolean is(String text) {
    return FORM.matcher(text).matches();
  }

  /** What a text of this form holds; a last character that is not even one byte is left out. */
  static byte[] decode(String text) {
    String letters = text.replaceAll("[\\s=]+", "");
    int left = letters.length() % GROUP == 1 ? 1 : 0;
    return Base64.getDecoder().decode(letters.substring(0, letters.length() - left));
  }
}
