// SPDX-License-Identifier: Apache-2.0
// Builds an image of images/.
import { parseArgs } from "node:util";
import { buildSparkImage, type ImageOptions, laySparkImageOut } from "./images/spark-image.ts";

const EXIT_USAGE = 2;
const USAGE = `node scripts/build-image.ts spark [OPTIONS]
  --base IMAGE      what it is built on, as buildah names images; by default Debian, made by debootstrap
  --python VERSION  of the Python in the base; by default that of Debian
  --keep GROUPS     groups of images/spark/left-out.txt to leave in, with commas between them
  --to FILE         build from nothing, into this archive
  --context FOLDER  only lay out the folder to build from, for docker build --build-arg BASE=IMAGE FOLDER`;

function readOptions(): { options: ImageOptions; context: string | undefined } | undefined {
  try {
    const text = { type: "string" } as const;
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { base: text, python: text, keep: text, to: text, context: text },
    });
    if (positionals.length !== 1 || positionals[0] !== "spark") return undefined;
    const { keep, context, ...given } = values;
    return { options: { ...given, keep: keep?.split(",") ?? [] }, context };
  } catch {
    return undefined;
  }
}

async function build(options: ImageOptions, context: string | undefined): Promise<void> {
  if (context !== undefined) return laySparkImageOut(options, context, say);
  const { name, archive } = await buildSparkImage(options, say);
  process.stdout.write(`${name} ${archive}\n`);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const read = readOptions();
if (read === undefined) {
  say(USAGE);
  process.exitCode = EXIT_USAGE;
} else {
  try {
    await build(read.options, read.context);
  } catch (error) {
    say((error as Error).message);
    process.exitCode = 1;
  }
}
