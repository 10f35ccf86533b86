// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import java.awt.image.BufferedImage;
import java.util.Map;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataFormatImpl;
import javax.imageio.metadata.IIOMetadataNode;
import org.w3c.dom.NodeList;

/**
 * How an image is stored, against how it is to be seen. The pixel at (x, y) when it is upright is that at (x, y) as it
 * is stored, or at (y, x) where it is transposed, counted from the other side where it is flipped.
 */
record Orientation(boolean isTransposed, boolean flipsX, boolean flipsY) {
  private static final Orientation UPRIGHT = new Orientation(false, false, false);

  /** By the names of Java's standard metadata, which turns counter-clockwise; beside them the values of EXIF. */
  private static final Map<String, Orientation> BY_NAME =
      Map.of(
          "FlipH", new Orientation(false, true, false), // 2
          "Rotate180", new Orientation(false, true, true), // 3
          "FlipV", new Orientation(false, false, true), // 4
          "FlipVRotate90", new Orientation(true, false, false), // 5
          "Rotate270", new Orientation(true, false, true), // 6
          "FlipHRotate90", new Orientation(true, true, true), // 7
          "Rotate90", new Orientation(true, true, false)); // 8

  static Orientation of(IIOMetadata metadata) {
    if (metadata == null || !metadata.isStandardMetadataFormatSupported()) return UPRIGHT;
    var tree = (IIOMetadataNode) metadata.getAsTree(IIOMetadataFormatImpl.standardMetadataFormatName);
    NodeList found = tree.getElementsByTagName("ImageOrientation");
    if (found.getLength() == 0) return UPRIGHT;
    return BY_NAME.getOrDefault(((IIOMetadataNode) found.item(0)).getAttribute("value"), UPRIGHT);
  }

  /** The image upright. */
  BufferedImage turn(BufferedImage stored) {
    if (equals(UPRIGHT)) return stored;
    int width = stored.getWidth();
    int height = stored.getHeight();
    int[] size = isTransposed ? new int[] {height, width} : new int[] {width, height};
    BufferedImage upright = new BufferedImage(size[0], size[1], stored.getType());
    for (int y = 0; y < upright.getHeight(); y++) {
      for (int x = 0; x < upright.getWidth(); x++) {
        int column = isTransposed ? y : x;
        int row = isTransposed ? x : y;
        int from = stored.getRGB(flipsX ? width - 1 - column : column, flipsY ? height - 1 - row : row);
        upright.setRGB(x, y, from);
      }
    }
    return upright;
  }
}
