// SPDX-License-Identifier: Apache-2.0
// Builds the programs of a Kubernetes node from the Go module proxy, once for each version.
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { step } from "../../../scripts/images/run.ts";
import { runProgram } from "../../../scripts/run-program.ts";
import { inTurn, inWorkFolder, publish } from "../../../scripts/work-folder.ts";
import { BUILD_FLAGS, programFolder, SOURCES, type Source } from "./programs.ts";

type Say = (line: string) => void;

/** What `go mod download -json` says of a module. */
type Download = { Dir: string; GoMod: string };

/**
 * Builds what is missing, one program after another. A program appears in the cache by a rename, so an interrupted
 * build leaves nothing half done and goes on with the next program when it is called again.
 *
 * @param wanted names of sources; all by default
 */
export async function buildPrograms(cache: string, say: Say, wanted?: readonly string[]): Promise<void> {
  const sources = SOURCES.filter(({ name }) => wanted === undefined || wanted.includes(name));
  const isMissing = (source: Source): boolean => listMissing(source, cache).length > 0;
  if (!sources.some(isMissing)) return;
  await inTurn(cache, say, async () => {
    for (const source of sources.filter(isMissing)) {
      await buildSource(source, listMissing(source, cache), { cache, say });
    }
  });
}

/** The programs of a source that are not built yet. */
export function listMissing(source: Source, cache: string): string[] {
  const folder = programFolder(source, cache);
  return Object.keys(source.programs).filter((program) => !existsSync(join(folder, program)));
}

async function buildSource(source: Source, programs: readonly string[], ground: { cache: string; say: Say }) {
  const folder = programFolder(source, ground.cache);
  await mkdir(folder, { recursive: true });
  await inWorkFolder(ground.cache, async (work) => {
    const module = await download(source, ground.say);
    await writeModuleFile(source, module, work);
    for (const file of source.files ?? []) {
      await copyFile(join(module.Dir, file), join(work, basename(file)));
      await publish(join(work, basename(file)), join(folder, basename(file)));
    }
    for (const program of programs) {
      await step(ground.say, `Building ${program} ${source.version}`, async () => {
        const built = join(work, program);
        await go(goBuild(source, program, { work, built }), { cwd: module.Dir });
        await publish(built, join(folder, program));
      });
    }
  });
}

async function download(source: Source, say: Say): Promise<Download> {
  const module = `${source.module}@v${source.version}`;
  say(`Downloading ${module} ...`);
  return JSON.parse(await go(["mod", "download", "-json", module], {}));
}

/**
 * A copy of the module's own go.mod and go.sum, in which modules that lie beside it in its authors' repository are
 * taken from the proxy at the same release.
 */
async function writeModuleFile(source: Source, module: Download, work: string): Promise<void> {
  const file = join(work, "go.mod");
  await writeFile(file, await readFile(module.GoMod));
  await copyFile(join(module.Dir, "go.sum"), join(work, "go.sum"));
  const { Replace } = JSON.parse(await go(["mod", "edit", "-json", file], {})) as {
    Replace: { Old: { Path: string }; New: { Path: string; Version?: string } }[] | null;
  };
  const edits = (Replace ?? [])
    .filter(({ New }) => New.Version === undefined)
    .map(({ Old }) =>
      source.neighbours === undefined
        ? `-dropreplace=${Old.Path}`
        : `-replace=${Old.Path}=${Old.Path}@v${source.neighbours}`,
    );
  if (edits.length > 0) await go(["mod", "edit", ...edits, file], {});
}

function goBuild(source: Source, program: string, { work, built }: { work: string; built: string }): string[] {
  const define = Object.entries(source.define ?? {}).map(([name, value]) => `-X ${name}=${value}`);
  return [
    ...["build", ...BUILD_FLAGS, `-modfile=${join(work, "go.mod")}`],
    ...["-ldflags", ["-s", "-w", ...define].join(" ")],
    ...["-o", built, source.programs[program] ?? "."],
  ];
}

/** No flags and no workspace of the user's: the build is the same everywhere. */
function go(args: readonly string[], { cwd }: { cwd?: string }): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
  return runProgram("go", args, { env, ...(cwd === undefined ? {} : { cwd }) });
}
