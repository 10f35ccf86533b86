// SPDX-License-Identifier: Apache-2.0
import { toTensor } from "./datatypes.ts";
import type { Limits } from "./limits.ts";
import { quote, refusal } from "./refuse.ts";
import type { TensorOf } from "./tensor.ts";

/** How an image becomes a tensor. */
export type ImageOptions = {
  /** Scaled to exactly this size, without regard to its proportions; as it is when absent. */
  resize?: { width: number; height: number };
  /** Channels before or after the pixels. */
  layout: "CHW" | "HWC";
};

const CHANNELS = 3;

/**
 * Decodes an image as the older server does: upright, in colour, blue first as OpenCV has it, pixels as floats from 0 to
 * 255. Throws IMAGE_UNREADABLE, also for what has more pixels than allowed.
 */
export async function decodeImage(
  name: string,
  bytes: Uint8Array,
  { resize, layout }: ImageOptions,
  limits: Limits,
): Promise<TensorOf<"FP32">> {
  const unreadable = () => refusal("IMAGE_UNREADABLE", `Input ${quote(name)} is no image that can be decoded`);
  // The library takes no bytes at all for a fault of its caller.
  if (bytes.length === 0) throw unreadable();
  // Loaded with the first image: most servers never see one, and it takes a fifth of a second.
  const { default: sharp } = await import("sharp");
  const image = sharp(bytes, { limitInputPixels: limits.pixels, failOn: "error" }).autoOrient().removeAlpha();
  if (resize !== undefined) image.resize({ ...resize, fit: "fill", kernel: "linear" });
  const { data, info } = await image
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(() => {
      throw unreadable();
    });
  const pixels = info.width * info.height;
  const floats = new Float32Array(CHANNELS * pixels);
  const [pixelStep, channelStep] = layout === "CHW" ? [1, pixels] : [CHANNELS, 1];
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < CHANNELS; channel++) {
      // A grey image has one channel, which stands for all.
      const red = info.channels < CHANNELS ? 0 : CHANNELS - 1 - channel;
      floats[pixel * pixelStep + channel * channelStep] = data[pixel * info.channels + red] ?? 0;
    }
  }
  const size = layout === "CHW" ? [CHANNELS, info.height, info.width] : [info.height, info.width, CHANNELS];
  return toTensor(name, "FP32", size, floats) as TensorOf<"FP32">;
}
