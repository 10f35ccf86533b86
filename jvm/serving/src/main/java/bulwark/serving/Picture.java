// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import com.twelvemonkeys.image.ResampleOp;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Images of older clients as tensors, the way of packages/tensors (images.ts): decoders differ by rounding. */
final class Picture {
  static final int CHANNELS = 3;
  private static final int BYTE = 0xFF;
  private static final int EVERY_CHANNEL = 0x010101;

  private Picture() {}

  /**
   * Decodes an image: upright, in colour, blue first as OpenCV has it, pixels as floats from 0 to 255.
   *
   * @param size scaled to exactly this, without regard to its proportions; as it is when null
   * @param isChannelsFirst shape [3, height, width] rather than [height, width, 3]
   * @throws Refusal IMAGE_UNREADABLE, also for what has more pixels than allowed, or lacks some
   */
  static Tensor decode(String name, byte[] bytes, Settings.Size size, boolean isChannelsFirst) throws Refusal {
    BufferedImage image;
    try (ImageInputStream stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      image = read(stream);
    } catch (IOException | RuntimeException broken) {
      // A decoder that meets what it does not expect throws what it likes.
      String message = "Input " + Refusal.quote(name) + " is no image that can be decoded";
      throw new Refusal("IMAGE_UNREADABLE", message, "send a whole JPEG, PNG, WebP, BMP, GIF or TIFF", broken);
    }
    return toTensor(name, size == null ? image : scale(image, size), isChannelsFirst);
  }

  private static Tensor toTensor(String name, BufferedImage image, boolean isChannelsFirst) {
    int[] pixels = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
    ByteBuffer data = ByteBuffer.allocate(CHANNELS * pixels.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    FloatBuffer floats = data.asFloatBuffer();
    int pixelStep = isChannelsFirst ? 1 : CHANNELS;
    int channelStep = isChannelsFirst ? pixels.length : 1;
    for (int pixel = 0; pixel < pixels.length; pixel++) {
      for (int channel = 0; channel < CHANNELS; channel++) {
        floats.put(pixel * pixelStep + channel * channelStep, pixels[pixel] >> (Byte.SIZE * channel) & BYTE);
      }
    }
    long[] size = {image.getHeight(), image.getWidth()};
    long[] shape = isChannelsFirst ? new long[] {CHANNELS, size[0], size[1]} : new long[] {size[0], size[1], CHANNELS};
    return Tensor.ofNumbers(name, Datatype.FP32, shape, data);
  }

  private static BufferedImage scale(BufferedImage image, Settings.Size size) {
    BufferedImage scaled = new BufferedImage(size.width, size.height, image.getType());
    return new ResampleOp(size.width, size.height, ResampleOp.FILTER_TRIANGLE).filter(image, scaled);
  }

  private static BufferedImage read(ImageInputStream stream) throws IOException {
    Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
    if (!readers.hasNext()) throw new IOException("no known format");
    ImageReader reader = readers.next();
    try {
      List<String> warnings = new ArrayList<>();
      reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
      reader.setInput(stream, true, false);
      if ((long) reader.getWidth(0) * reader.getHeight(0) > Limits.PIXELS) throw new IOException("too many pixels");
      BufferedImage image = Orientation.of(reader.getImageMetadata(0)).turn(toColour(reader.read(0)));
      // Of a file that was cut off, a decoder gives what there is, with a warning.
      if (!warnings.isEmpty()) throw new IOException(warnings.get(0));
      return image;
    } finally {
      reader.dispose();
    }
  }

  /** One integer for each pixel, a byte for each channel. What is behind transparent pixels counts, as with OpenCV. */
  private static BufferedImage toColour(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    BufferedImage colour = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Raster raster = image.getRaster();
    if (raster.getNumBands() < CHANNELS && !(image.getColorModel() instanceof IndexColorModel)) {
      // Java takes grey for linear and would brighten it.
      int excess = raster.getSampleModel().getSampleSize(0) - Byte.SIZE;
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          int grey = raster.getSample(x, y, 0) >> excess;
          colour.setRGB(x, y, grey * EVERY_CHANNEL);
        }
      }
    } else {
      colour.setRGB(0, 0, width, height, image.getRGB(0, 0, width, height, null, 0, width), 0, width);
    }
    return colour;
  }
}
