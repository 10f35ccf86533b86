// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { REPOSITORY } from "../e2e/harness.ts";

export const CHART = join(REPOSITORY, "charts", "spark-job");
export const SERVING_CHART = join(REPOSITORY, "charts", "serving");
/** A chart rendered without a cluster must be told which Kubernetes is meant. */
const KUBERNETES = "1.34.4";

/** An object as Kubernetes has it; tests look into it freely. */
// biome-ignore lint/suspicious/noExplicitAny: rendered YAML, asserted upon
export type Rendered = any;

/** Every Helm that is there: of the tests' own cluster (3 and 4), or in PATH. */
export function findHelms(): string[] {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "bulwark", "cluster");
  const built = existsSync(cache) ? readdirSync(cache).filter((name) => /^helm4?-/.test(name)) : [];
  const candidates = [
    ...built.flatMap((folder) => ["helm", "helm4"].map((name) => join(cache, folder, name))),
    ...(process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, "helm")),
  ];
  return candidates.filter((path) => existsSync(path));
}

export type Outcome = { objects: Rendered[]; text: string } | { refused: string };

type Rendering = { release?: string; flags?: string[]; chart?: string };

/** JSON without what YAML takes for the end of a line, such as U+0085, and would make a blank of. */
const toAscii = (json: string): string =>
  json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Renders a chart as plain `helm template` does: that of jobs, unless another is named. */
export function render(helm: string, values: object, options: Rendering = {}): Outcome {
  const { release = "pi", chart = CHART } = options;
  const args = ["template", release, chart, "--namespace", "team", "--kube-version", KUBERNETES];
  const { status, stdout, stderr } = spawnSync(helm, [...args, "-f", "-", ...(options.flags ?? [])], {
    input: toAscii(JSON.stringify(values)),
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  if (status !== 0) return { refused: stderr };
  const objects: Rendered[] = parseAllDocuments(stdout).map((one) => one.toJS());
  return { objects: objects.filter((one) => one !== null), text: stdout };
}

/** The same, where nothing may be refused. */
export function renderObjects(helm: string, values: object, release?: string): Rendered[] {
  const outcome = render(helm, values, release === undefined ? {} : { release });
  if ("refused" in outcome) throw new Error(outcome.refused);
  return outcome.objects;
}

/**
 * What Helm tells people after an installation. `helm template` leaves it out, so it is rendered from a copy of the chart in which it is
 * part of an object.
 */
export function renderNotes(helm: string, values: object): string {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-chart-"));
  try {
    cpSync(CHART, folder, { recursive: true });
    const notes = join(folder, "templates", "NOTES.txt");
    const text = readFileSync(notes, "utf8");
    rmSync(notes);
    writeFileSync(join(folder, "templates", "_notes.tpl"), `{{- define "notes" -}}\n${text}{{- end }}\n`);
    const object = 'apiVersion: v1\nkind: Notes\nmetadata: { name: notes }\ntext: {{ include "notes" . | toJson }}\n';
    writeFileSync(join(folder, "templates", "notes.yaml"), object);
    const outcome = render(helm, values, { chart: folder });
    if ("refused" in outcome) throw new Error(outcome.refused);
    return find(outcome.objects, "Notes").text;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const runHelm = (helm: string, args: string[]) => spawnSync(helm, args, { encoding: "utf8" });

export const find = (objects: readonly Rendered[], kind: string, name?: string): Rendered =>
  objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));

/** Every pod that comes from a rendering: of the job, and the templates that Spark gets. */
export function listPods(objects: readonly Rendered[]): { role: string; metadata: Rendered; spec: Rendered }[] {
  const jobs = objects.flatMap(({ kind, spec }) =>
    kind === "Job" ? [spec.template] : kind === "CronJob" ? [spec.jobTemplate.spec.template] : [],
  );
  const templates = objects
    .filter(({ kind }) => kind === "ConfigMap")
    .flatMap(({ data }) =>
      ["executor.yaml", "driver.yaml"].filter((key) => data?.[key]).map((key) => JSON.parse(data[key])),
    );
  return [...jobs, ...templates].map(({ metadata, spec }) => ({
    role: metadata.labels["bulwark/role"],
    metadata,
    spec,
  }));
}
