// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../run-program.ts";
import { inTurn, inWorkFolder, publish } from "../work-folder.ts";
import { IMAGE_CACHE, IMAGES } from "./folders.ts";
import { buildah, type Say, step } from "./run.ts";

/** What an image for a machine needs at no time: lists of packages, logs, documentation except licences. */
const TRIM = `
rm -rf var/cache/apt/* var/lib/apt/lists/* var/cache/debconf/*-old var/log/*.log var/log/apt/* var/cache/ldconfig/*
rm -rf usr/share/man usr/share/locale usr/share/info usr/share/lintian tmp/* run/*
find usr/share/doc -type f ! -name copyright -delete
find . -xdev -name __pycache__ -prune -exec rm -rf {} +
: > etc/machine-id
rm -f etc/hostname etc/resolv.conf
`;

/**
 * Makes a base of images with debootstrap, once for each list of packages.
 *
 * @param list file of images/ with the suite and its packages
 * @returns an OCI archive
 */
export async function makeDebianBase(list: string, say: Say): Promise<string> {
  const text = await readFile(join(IMAGES, list), "utf8");
  const key = createHash("sha256").update(`${text}\0${TRIM}`).digest("hex").slice(0, 12);
  const archive = join(IMAGE_CACHE, `debian-${key}.tar`);
  if (existsSync(archive)) return archive;
  const [suite = "", ...packages] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  await inTurn(IMAGE_CACHE, say, async () => {
    if (!existsSync(archive)) await make(suite, packages, archive, say);
  });
  return archive;
}

async function make(suite: string, packages: readonly string[], archive: string, say: Say): Promise<void> {
  await inWorkFolder(IMAGE_CACHE, async (work) => {
    const root = join(work, "root");
    await step(say, `Making a base of Debian ${suite}`, () =>
      runProgram("debootstrap", ["--variant=minbase", `--include=${packages.join(",")}`, suite, root]),
    );
    await runProgram("sh", ["-euc", `cd "$0" && ${TRIM}`, root]);
    await step(say, "Packing the base", () => pack(root, join(work, "base.tar")));
    await publish(join(work, "base.tar"), archive);
  });
}

async function pack(root: string, archive: string): Promise<void> {
  const container = (await buildah("from", "scratch")).trim();
  try {
    await buildah("copy", "--quiet", container, root, "/");
    const format = ["--quiet", "--disable-compression", "--timestamp", "0"];
    await buildah("commit", ...format, container, `oci-archive:${archive}:bulwark.local/debian`);
  } finally {
    await buildah("rm", container);
  }
}
