// SPDX-License-Identifier: Apache-2.0
// Builds an image of images/.
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Image } from "./images/build.ts";
import { buildFlinkImage, layFlinkImageOut } from "./images/flink-image.ts";
import type { Say } from "./images/run.ts";
import { buildServingImage, layServingImageOut } from "./images/serving-image.ts";
import { buildSparkImage, laySparkImageOut } from "./images/spark-image.ts";

const EXIT_USAGE = 2;
const USAGE = `node scripts/build-image.ts spark|serving|serving-flink [OPTIONS]
  --base IMAGE      what it is built on, as buildah names images; by default Debian, made by debootstrap
  --to FILE         build from nothing, into this archive
  --context FOLDER  only lay out the folder to build from, for docker build --build-arg BASE=IMAGE FOLDER
  --python VERSION  spark: of the Python in the base; by default that of Debian
  --keep GROUPS     spark: groups of images/spark/left-out.txt to leave in, with commas between them`;

const TEXT = { type: "string" } as const;
const COMMON = { base: TEXT, to: TEXT, context: TEXT };
type Given = Partial<Record<"base" | "to" | "context" | "python" | "keep", string>>;

type ImageKind = {
  options: NonNullable<ParseArgsConfig["options"]>;
  build(given: Given, say: Say): Promise<Image>;
  layOut(folder: string, given: Given, say: Say): Promise<void>;
};

const toSparkOptions = ({ context: _, keep, ...given }: Given) => ({ ...given, keep: keep?.split(",") ?? [] });

const toServingOptions = ({ base, to }: Given) => ({
  ...(base === undefined ? {} : { base }),
  ...(to === undefined ? {} : { to }),
});

const IMAGES: Readonly<Record<string, ImageKind>> = {
  spark: {
    options: { ...COMMON, python: TEXT, keep: TEXT },
    build: (given, say) => buildSparkImage(toSparkOptions(given), say),
    layOut: (folder, given, say) => laySparkImageOut(toSparkOptions(given), folder, say),
  },
  serving: {
    options: COMMON,
    build: (given, say) => buildServingImage(toServingOptions(given), say),
    layOut: (folder, _given, say) => layServingImageOut(folder, say),
  },
  "serving-flink": {
    options: COMMON,
    build: (given, say) => buildFlinkImage(toServingOptions(given), say),
    layOut: (folder, _given, say) => layFlinkImageOut(folder, say),
  },
};

async function run(kind: ImageKind, given: Given): Promise<void> {
  if (given.context !== undefined) return kind.layOut(given.context, given, say);
  const { name, archive } = await kind.build(given, say);
  process.stdout.write(`${name} ${archive}\n`);
}

function read([name = "", ...args]: readonly string[]): { kind: ImageKind; given: Given } | undefined {
  const kind = IMAGES[name];
  if (kind === undefined) return undefined;
  try {
    return { kind, given: parseArgs({ options: kind.options, args: [...args] }).values as Given };
  } catch {
    return undefined;
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const found = read(process.argv.slice(2));
if (found === undefined) {
  say(USAGE);
  process.exitCode = EXIT_USAGE;
} else {
  try {
    await run(found.kind, found.given);
  } catch (error) {
    say((error as Error).message);
    process.exitCode = 1;
  }
}
