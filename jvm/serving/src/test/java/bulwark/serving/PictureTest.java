// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PictureTest {
  /** Blue, green, red. */
  private static final float[] LEFT = {10, 120, 250};

  private static final int[] KINDS = {
    BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_3BYTE_BGR
  };

  @Test
  void givesPixelsBlueFirstAndChannelsWhereTheModelHasThem() throws Exception {
    for (int kind : KINDS) {
      byte[] png = write(halves(kind, 4, 2), "png");
      Tensor planes = Picture.decode("x", png, null, true);
      assertArrayEquals(new long[] {3, 2, 4}, planes.shape());
      assertArrayEquals(new float[] {10, 10, 0, 0}, Arrays.copyOf(floats(planes), 4));
      Tensor pixels = Picture.decode("x", png, null, false);
      assertArrayEquals(new long[] {2, 4, 3}, pixels.shape());
      assertArrayEquals(LEFT, Arrays.copyOf(floats(pixels), 3));
    }
  }

  @Test
  void leavesGreyAsItIs() throws Exception {
    for (int kind : new int[] {BufferedImage.TYPE_BYTE_GRAY, BufferedImage.TYPE_USHORT_GRAY}) {
      BufferedImage grey = new BufferedImage(1, 1, kind);
      grey.getRaster().setSample(0, 0, 0, kind == BufferedImage.TYPE_BYTE_GRAY ? 100 : 100 << 8);
      assertArrayEquals(new float[] {100, 100, 100}, floats(Picture.decode("x", write(grey, "png"), null, true)));
    }
  }

  @Test
  void scalesWithoutRegardToProportions() throws Exception {
    Settings.Size size = new Settings.Size();
    size.width = 8;
    size.height = 4;
    Tensor scaled = Picture.decode("x", write(halves(BufferedImage.TYPE_INT_RGB, 64, 16), "png"), size, true);
    assertArrayEquals(new long[] {3, 4, 8}, scaled.shape());
    float[] row = Arrays.copyOf(floats(scaled), 8);
    assertEquals(10, row[0]);
    assertEquals(0, row[7]);
  }

  @Test
  void turnsWhatACameraHeldOtherwise() throws Exception {
    byte[] jpeg = write(halves(BufferedImage.TYPE_INT_RGB, 32, 16), "jpeg");
    // Of the left half, which is red, where it is to be seen.
    boolean[] isRedOnTheLeft = {true, false, false, true};
    for (int orientation = 1; orientation <= 4; orientation++) {
      Tensor upright = Picture.decode("x", orient(jpeg, orientation), null, true);
      assertArrayEquals(new long[] {3, 16, 32}, upright.shape());
      assertEquals(isRedOnTheLeft[orientation - 1], red(upright, 2, 2) > 128, "left, " + orientation);
    }
    boolean[] isRedOnTop = {true, true, false, false};
    for (int orientation = 5; orientation <= 8; orientation++) {
      Tensor upright = Picture.decode("x", orient(jpeg, orientation), null, true);
      assertArrayEquals(new long[] {3, 32, 16}, upright.shape());
      assertEquals(isRedOnTop[orientation - 5], red(upright, 2, 2) > 128, "top, " + orientation);
    }
  }

  @Test
  void refusesWhatIsNoWholePicture() throws Exception {
    byte[] jpeg = write(halves(BufferedImage.TYPE_INT_RGB, 64, 64), "jpeg");
    byte[] png = write(halves(BufferedImage.TYPE_INT_RGB, 64, 64), "png");
    for (byte[] whole : new byte[][] {jpeg, png}) {
      assertTrue(Picture.decode("x", whole, null, true).elements() > 0);
      byte[] cut = Arrays.copyOf(whole, whole.length - whole.length / 3);
      Same.refuses("IMAGE_UNREADABLE", () -> Picture.decode("x", cut, null, true));
    }
    for (byte[] other : new byte[][] {{}, {1, 2, 3}, "<svg/>".getBytes()}) {
      Same.refuses("IMAGE_UNREADABLE", () -> Picture.decode("x", other, null, true));
    }
    // Says that it has 2^30 pixels, and has none: it is refused before any memory is taken.
    byte[] bomb = png.clone();
    ByteBuffer.wrap(bomb).putInt(16, 1 << 15).putInt(20, 1 << 15);
    Same.refuses("IMAGE_UNREADABLE", () -> Picture.decode("x", bomb, null, true));
  }

  private static BufferedImage halves(int kind, int width, int height) {
    BufferedImage image = new BufferedImage(width, height, kind);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) image.setRGB(x, y, x < width / 2 ? 0xFFFA780A : 0xFF000000);
    }
    return image;
  }

  private static byte[] write(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    assertTrue(ImageIO.write(image, format, file));
    return file.toByteArray();
  }

  /** Puts a segment with EXIF's orientation behind the head of a JPEG. */
  private static byte[] orient(byte[] jpeg, int orientation) {
    String exif = "45786966" + "0000" + "4d4d002a00000008" + "0001" + "01120003" + "00000001";
    byte[] segment =
        HexFormat.of().parseHex("ffe1" + "0022" + exif + String.format("%04x", orientation) + "0000" + "00000000");
    ByteBuffer whole = ByteBuffer.allocate(jpeg.length + segment.length);
    return whole.put(jpeg, 0, 2).put(segment).put(jpeg, 2, jpeg.length - 2).array();
  }

  private static float red(Tensor planes, int x, int y) {
    int width = (int) planes.shape()[2];
    int height = (int) planes.shape()[1];
    return floats(planes)[(2 * height + y) * width + x];
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[tensor.elements()];
    tensor.data().asFloatBuffer().get(values);
    return values;
  }
}
