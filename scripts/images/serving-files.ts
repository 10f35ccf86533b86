// SPDX-License-Identifier: Apache-2.0
// The files of the serving image, as they will lie in it.
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { type Lock, listClosure } from "./closure.ts";
import { normalise } from "./file-time.ts";
import { IMAGES, ROOT } from "./folders.ts";
import { type Say, step } from "./run.ts";

/** The processes that run in it. */
const SERVICES = ["services/serving-gateway", "services/inference-engine"];
const NODE = `node_modules/node-linux-${process.arch}`;
const OTHER_PROCESSOR = process.arch === "arm64" ? "x64" : "arm64";
const PROGRAMS = ["node", "entrypoint"];
const MOUNT_POINTS = ["etc/bulwark/conf", "etc/bulwark/secrets", "models", "data"];

/** What of a package nobody needs who only runs it: by path within the package. */
const LEFT_OUT: readonly RegExp[] = [
  // Libraries for other systems and processors: four fifths of onnxruntime-node.
  new RegExp(`^bin/napi-v\\d+/(darwin|win32|linux/${OTHER_PROCESSOR})(/|$)`),
  /\.d\.[cm]?ts$/,
  /^tests?(\/|$)/,
  /\.test\.[cm]?[jt]s$/,
  /\.map$/,
  /(^|\/)(README|CHANGELOG|HISTORY|CONTRIBUTING)[^/]*$/i,
  /(^|\/)(\.github|__tests__|benchmarks?|coverage)(\/|$)/,
  /^node_modules(\/|$)/,
];
/** The same of our own packages. */
const OURS_LEFT_OUT: readonly RegExp[] = [/\.test\.ts$/, /(^|\/)testing(\/|$)/, /^node_modules(\/|$)/];

/** What the image is made from: places below the repository's root. */
export type ServingSources = { workspaces: readonly string[]; libraries: readonly string[]; node: string };

/** Finds what gateway and engine need, by the lock file. */
export async function findServingSources(): Promise<ServingSources> {
  const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  const places = listClosure(lock, SERVICES, (place) => existsSync(join(ROOT, place)));
  const isLibrary = (place: string): boolean => place.startsWith("node_modules/");
  return {
    workspaces: places.filter((place) => !isLibrary(place)),
    libraries: places.filter(isLibrary),
    node: NODE,
  };
}

/** Lays out the files below `folder`/rootfs, in the parts that become layers, each with the same time. */
export async function layOutServing(sources: ServingSources, folder: string, say: Say): Promise<void> {
  const rootfs = join(folder, "rootfs");
  await step(say, "Copying Node.js and libraries", async () => {
    await layOutNode(sources, join(rootfs, "node"));
    const target = join(rootfs, "libraries/opt/bulwark");
    for (const place of sources.libraries) await copyPackage(place, join(target, place), LEFT_OUT);
  });
  await layOutOurs(sources, join(rootfs, "bulwark"));
  await normalise(rootfs, PROGRAMS);
  await copyFile(join(IMAGES, "serving/Containerfile"), join(folder, "Containerfile"));
}

async function layOutNode({ node }: ServingSources, root: string): Promise<void> {
  await mkdir(join(root, "opt/bulwark/bin"), { recursive: true });
  await copyFile(join(ROOT, node, "bin/node"), join(root, "opt/bulwark/bin/node"));
  await copyFile(join(ROOT, node, "LICENSE"), join(root, "opt/bulwark/bin/node.LICENSE"));
  for (const path of MOUNT_POINTS) await mkdir(join(root, path), { recursive: true });
}

async function layOutOurs({ workspaces }: ServingSources, root: string): Promise<void> {
  const target = join(root, "opt/bulwark");
  for (const place of workspaces) await copyPackage(place, join(target, place), OURS_LEFT_OUT);
  const links = join(target, "node_modules/@bulwark");
  await mkdir(links, { recursive: true });
  for (const place of workspaces.filter((each) => each.startsWith("packages/"))) {
    await symlink(`../../${place}`, join(links, place.slice("packages/".length)));
  }
  await mkdir(join(target, "bin"), { recursive: true });
  await copyFile(join(IMAGES, "serving/entrypoint"), join(target, "bin/entrypoint"));
  await copyFile(join(ROOT, "LICENSE"), join(target, "LICENSE"));
}

async function copyPackage(place: string, target: string, leftOut: readonly RegExp[]): Promise<void> {
  const source = join(ROOT, place);
  await mkdir(dirname(target), { recursive: true });
  const isNeeded = (path: string): boolean => {
    const within = relative(source, path);
    return !leftOut.some((pattern) => pattern.test(within));
  };
  await cp(source, target, { recursive: true, dereference: true, filter: isNeeded });
}
