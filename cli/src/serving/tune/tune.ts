// SPDX-License-Identifier: Apache-2.0
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { openFile, openFolder, type UnwrapModelKey, unwrapFrom } from "@bulwark/inference";
import { openKeys } from "@bulwark/pki";
import type { Column, Context, Result } from "../../command.ts";
import { choose, listCandidates, type Measurement } from "./choose.ts";
import { measure, type Subject } from "./measure.ts";
import { writeChoice } from "./write.ts";

type Flags = Readonly<Record<string, unknown>>;

/**
 * Measures the engine with every sensible number of copies, threads and rows of a batch, in this process and without any protocol, and
 * gives the table that the choice came from.
 */
export async function tune(context: Context, [given = ""]: readonly string[], flags: Flags): Promise<Result> {
  const path = resolve(context.cwd, given);
  const { models, ...subject } = await findSubject(context, path, toShapes(flags.shape));
  const step = context.progress.step(`Measuring ${subject.model}`);
  const cores = flags.cores === undefined ? availableParallelism() : Math.max(1, Math.floor(Number(flags.cores)));
  const load = { seconds: Number(flags.seconds), now: () => performance.now(), signal: context.signal };
  const measured: Measurement[] = [];
  /** Models whose requests do not share runs gain nothing by larger batches. */
  let isShared = true;
  for (const candidate of listCandidates(cores)) {
    if (context.signal.aborted) throw new BulwarkError("INTERRUPTED", "Measuring was interrupted.", "start it again");
    if (candidate.maxRows > 1 && !isShared) continue;
    step.update(`${candidate.instances} x ${candidate.threads} threads, ${candidate.maxRows} rows`);
    const one = await measure(subject, candidate, load);
    measured.push(one);
    if (candidate.maxRows > 1 && one.rowsPerRun <= 1) isShared = false;
  }
  step.done(`${measured.length} settings`);
  const chosen = choose(measured, Number(flags.p99));
  if (chosen === undefined) throw new BulwarkError("BUG", "Nothing was measured.", "report it");
  if (chosen.p99Ms > Number(flags.p99)) {
    context.progress.warn(`None has a p99 of ${flags.p99} ms or less; the one with the lowest is taken.`);
  }
  if (typeof flags.write === "string") {
    const file = resolve(context.cwd, flags.write);
    await writeChoice(file, { model: subject.model, models, choice: chosen });
    context.progress.note(`Written to ${file}; it holds from the next start: bulwark serve --settings ${flags.write}`);
  }
  const columns = [{ heading: "", cell: (one: Measurement) => (one === chosen ? "chosen" : "") }, ...COLUMNS];
  const table = { rows: measured, columns, name: (one: Measurement) => nameOf(one) };
  return { value: { model: subject.model, cores, p99Ms: Number(flags.p99), chosen, measured }, table };
}

const nameOf = ({ instances, threads, maxRows }: Measurement): string => `${instances}-${threads}-${maxRows}`;

const COLUMNS: readonly Column<Measurement>[] = [
  { heading: "instances", cell: ({ instances }) => String(instances) },
  { heading: "threads", cell: ({ threads }) => String(threads) },
  { heading: "max rows", cell: ({ maxRows }) => String(maxRows) },
  { heading: "rows/s", cell: ({ rowsPerSecond }) => rowsPerSecond.toFixed(rowsPerSecond < 100 ? 1 : 0) },
  { heading: "p50 ms", cell: ({ p50Ms }) => p50Ms.toFixed(2) },
  { heading: "p99 ms", cell: ({ p99Ms }) => p99Ms.toFixed(2) },
  { heading: "rows/run", cell: ({ rowsPerRun }) => rowsPerRun.toFixed(1) },
];

async function findSubject(
  context: Context,
  path: string,
  shapes: Subject["shapes"],
): Promise<Subject & { models: string }> {
  // Only an encrypted model asks for a key.
  const unwrap: UnwrapModelKey = async (header) =>
    unwrapFrom((await openKeys(context.paths.keys, { now: context.now() })).keyring.keys)(header);
  const found = await stat(path).catch((cause) => {
    throw new BulwarkError("MODEL_REPOSITORY", `${path} is not there.`, "name a model file, or its folder", { cause });
  });
  if (found.isDirectory()) {
    return { repository: openFolder(dirname(path)), model: basename(path), models: dirname(path), shapes, unwrap };
  }
  const repository = openFile(path);
  const [model = ""] = await repository.list();
  return { repository, model, models: path, shapes, unwrap };
}

const SHAPE = /^(.+)=(\d+(?:,\d+)*)$/;

function toShapes(given: unknown): Record<string, number[]> {
  const texts = Array.isArray(given) ? given.map(String) : [];
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, sizes] = SHAPE.exec(text) ?? [];
      if (name !== undefined && sizes !== undefined) return [name, sizes.split(",").map(Number)];
      throw new BulwarkError("USAGE", `"${text}" is no shape.`, "--shape NAME=1,3,224,224");
    }),
  );
}
