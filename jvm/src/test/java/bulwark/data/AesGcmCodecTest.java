// SPDX-License-Identifier: Apache-2.0
package bulwark.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AesGcmCodecTest {
  private static final int FRAME = AesGcmFrames.FRAME_BYTES;
  private final Configuration conf = new Configuration(false);
  private TestKeys keys;

  @BeforeEach
  void makeKeys() throws IOException {
    keys = new TestKeys("notes");
    conf.set(AesGcmCodec.KEY_SETTING, "notes");
  }

  @AfterEach
  void removeKeys() throws IOException {
    keys.close();
  }

  private byte[] seal(byte[] plain) throws IOException {
    ByteArrayOutputStream sealed = new ByteArrayOutputStream();
    try (OutputStream out = new AesGcmCodec(conf).createOutputStream(sealed)) {
      out.write(plain);
    }
    return sealed.toByteArray();
  }

  private byte[] open(byte[] sealed) throws IOException {
    try (InputStream in = new AesGcmCodec(conf).createInputStream(new ByteArrayInputStream(sealed))) {
      return in.readAllBytes();
    }
  }

  private String refusal(byte[] sealed) {
    try {
      open(sealed);
      return fail("was read");
    } catch (DataFileException refused) {
      return refused.code();
    } catch (DataKeyException refused) {
      return refused.code();
    } catch (IOException other) {
      return fail(other);
    }
  }

  private static byte[] random(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void anySizeComesBackInAnyPieces() throws IOException {
    Random random = new Random(7);
    IntStream boundaries =
        IntStream.of(0, 1, FRAME, 2 * FRAME, 3 * FRAME).flatMap(size -> IntStream.of(size - 1, size, size + 1));
    IntStream others = random.ints(30, 0, 4 * FRAME);
    for (int size : IntStream.concat(boundaries, others).filter(size -> size >= 0).toArray()) {
      byte[] plain = random(size, size);
      ByteArrayOutputStream sealed = new ByteArrayOutputStream();
      try (OutputStream out = new AesGcmCodec(conf).createOutputStream(sealed)) {
        for (int at = 0; at < size; ) {
          int part = Math.min(size - at, 1 + random.nextInt(FRAME + 10));
          out.write(plain, at, part);
          at += part;
        }
      }
      assertArrayEquals(plain, open(sealed.toByteArray()), () -> "size " + size);
      long frames = Math.max(1, (size + FRAME - 1L) / FRAME);
      int header = seal(new byte[0]).length - 4 - AesGcmFrames.TAG_BYTES;
      assertEquals(header + size + frames * (4 + AesGcmFrames.TAG_BYTES), sealed.size());
    }
  }

  @Test
  void holdsNoPlaintextAndNeverTheSameBytes() throws IOException {
    byte[] plain = "MARKER".repeat(100).getBytes(StandardCharsets.US_ASCII);
    String sealed = new String(seal(plain), StandardCharsets.ISO_8859_1);
    assertFalse(sealed.contains("MARKER"));
    assertFalse(Arrays.equals(seal(plain), seal(plain)));
  }

  @Test
  void refusesEveryFlippedBit() throws IOException {
    byte[] sealed = seal("a small file".getBytes(StandardCharsets.US_ASCII));
    Set<String> codes =
        Set.of("DATA_TAMPERED", "DATA_TRUNCATED", "DATA_NOT_ENCRYPTED", "KEY_WRONG", "KEY_MISSING");
    for (int position = 0; position < sealed.length; position++) {
      for (int bit = 1; bit < 256; bit <<= 1) {
        byte[] changed = sealed.clone();
        changed[position] ^= (byte) bit;
        String code = refusal(changed);
        assertTrue(codes.contains(code), code + " at " + position);
      }
    }
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] small = seal("a small file".getBytes(StandardCharsets.US_ASCII));
    for (int length = 0; length < small.length; length++) {
      assertEquals("DATA_TRUNCATED", refusal(Arrays.copyOf(small, length)), "length " + length);
    }
    // Between frames, where each frame by itself is whole.
    byte[] large = seal(random(2 * FRAME + 5, 1));
    int sealedFrame = 4 + FRAME + AesGcmFrames.TAG_BYTES;
    int header = large.length - 2 * sealedFrame - (4 + 5 + AesGcmFrames.TAG_BYTES);
    assertEquals("DATA_TRUNCATED", refusal(Arrays.copyOf(large, header)));
    assertEquals("DATA_TRUNCATED", refusal(Arrays.copyOf(large, header + sealedFrame)));
    assertEquals("DATA_TRUNCATED", refusal(Arrays.copyOf(large, header + 2 * sealedFrame)));
  }

  @Test
  void refusesMovedDroppedForeignAndAddedFrames() throws IOException {
    byte[] one = seal(random(3 * FRAME, 1));
    byte[] other = seal(random(3 * FRAME, 2));
    int sealedFrame = 4 + FRAME + AesGcmFrames.TAG_BYTES;
    int header = one.length - 3 * sealedFrame;

    byte[] swapped = one.clone();
    System.arraycopy(one, header, swapped, header + sealedFrame, sealedFrame);
    System.arraycopy(one, header + sealedFrame, swapped, header, sealedFrame);
    assertEquals("DATA_TAMPERED", refusal(swapped));

    byte[] spliced = one.clone();
    System.arraycopy(other, header + sealedFrame, spliced, header + sealedFrame, sealedFrame);
    assertEquals("DATA_TAMPERED", refusal(spliced));

    byte[] dropped = new byte[one.length - sealedFrame];
    System.arraycopy(one, 0, dropped, 0, header + sealedFrame);
    System.arraycopy(one, header + 2 * sealedFrame, dropped, header + sealedFrame, sealedFrame);
    assertEquals("DATA_TAMPERED", refusal(dropped));

    assertEquals("DATA_TAMPERED", refusal(Arrays.copyOf(one, one.length + 1)));
    byte[] twice = Arrays.copyOf(one, one.length + other.length);
    System.arraycopy(other, 0, twice, one.length, other.length);
    assertEquals("DATA_TAMPERED", refusal(twice));
  }

  @Test
  void anAbortedWriteIsNotAFile() throws IOException {
    ByteArrayOutputStream sealed = new ByteArrayOutputStream();
    OutputStream out = new AesGcmCodec(conf).createOutputStream(sealed);
    out.write(random(2 * FRAME, 3));
    out.flush();
    assertEquals("DATA_TRUNCATED", refusal(sealed.toByteArray()));
  }

  @Test
  void namesTheMissingAndTheWrongKey() throws IOException {
    byte[] sealed = seal(new byte[] {1});
    keys.replaceAll();
    assertEquals("KEY_WRONG", refusal(sealed));
    keys.remove("notes").rotate("else");
    assertEquals("KEY_MISSING", refusal(sealed));
    assertThrows(DataKeyException.class, () -> seal(new byte[0]));
  }

  @Test
  void rewrapsWithoutTouchingFrames() throws IOException {
    byte[] plain = random(FRAME + 1, 4);
    byte[] sealed = seal(plain);
    Path file = new Path(keys.folder.resolve("a.csv.aesgcm").toUri());
    Files.write(keys.folder.resolve("a.csv.aesgcm"), sealed);
    assertEquals(0, Rewrap.files(conf, List.of(file), Keyring.ofProcess()));
    keys.rotate("notes");
    assertEquals(1, Rewrap.files(conf, List.of(file), Keyring.ofProcess()));
    keys.removeVersion("notes", 1);
    byte[] rewrapped = Files.readAllBytes(keys.folder.resolve("a.csv.aesgcm"));
    assertArrayEquals(plain, open(rewrapped));
    int frames = plain.length + 2 * (4 + AesGcmFrames.TAG_BYTES);
    assertArrayEquals(
        Arrays.copyOfRange(sealed, sealed.length - frames, sealed.length),
        Arrays.copyOfRange(rewrapped, rewrapped.length - frames, rewrapped.length));
  }
}
