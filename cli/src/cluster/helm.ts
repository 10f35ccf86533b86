// SPDX-License-Identifier: Apache-2.0
import { access, chmod, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BulwarkError, type ErrorCode, type Finding } from "@bulwark/contracts/errors";
import type { KubeObject } from "@bulwark/kubernetes";
import type { Context } from "../command.ts";
import { versions } from "../versions.ts";
import type { Place } from "./open.ts";
import { runProgram } from "./run-program.ts";

/** The chart that comes with the tool. */
export const CHART = fileURLToPath(new URL("../../../charts/spark-job", import.meta.url));

/** A Helm program; only these majors are known to take what we say. */
export type Helm = { program: string; major: 3 | 4 };

const MEND_MISSING = "install Helm 3 or 4 (https://helm.sh/docs/intro/install), or: bulwark config set helm FILE";

/**
 * Finds Helm: the setting, then PATH.
 *
 * @throws BulwarkError HELM_MISSING
 */
export async function findHelm({ settings, env }: Context): Promise<Helm> {
  const program = settings.helm ?? (await findInPath(env.PATH ?? ""));
  if (program === undefined) throw new BulwarkError("HELM_MISSING", "There is no helm in PATH.", MEND_MISSING);
  const { code, output } = await runProgram(program, ["version", "--short"], env).catch((cause) => {
    throw new BulwarkError("HELM_MISSING", `${program} cannot be run.`, MEND_MISSING, { cause });
  });
  const major = Number(/^v(\d+)\./m.exec(output)?.[1]);
  if (code === 0 && (major === 3 || major === 4)) return { program, major };
  throw new BulwarkError(
    "HELM_MISSING",
    `${program} is not Helm 3 or 4 (${output.trim().slice(0, 60)}).`,
    MEND_MISSING,
  );
}

async function findInPath(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder.startsWith("/") && (await isExecutable(join(folder, "helm")))) return join(folder, "helm");
  }
  return undefined;
}

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** Where Helm is to look, as its own flags say it. */
export type HelmPlace = Pick<Place, "helmArgs">;

/** Variables that would show Helm another cluster, user or namespace than the tool itself speaks to. */
const ELSEWHERE = /^HELM_(KUBE|NAMESPACE$)/;

/** Calls Helm on one cluster: `install`, `upgrade`, `uninstall`, `template`. Returns what it printed. */
export async function callHelm(
  context: Context,
  { helmArgs }: HelmPlace,
  helm: Helm,
  args: readonly string[],
): Promise<string> {
  context.progress.debug(`helm ${args.join(" ")}`);
  const env = Object.fromEntries(Object.entries(context.env).filter(([name]) => !ELSEWHERE.test(name)));
  const { code, output, errors } = await runProgram(helm.program, [...args, ...helmArgs], env);
  for (const line of errors.split("\n").filter((text) => text.trim() !== "")) tellLine(context, line);
  if (code === 0) return output;
  throw toHelmError(errors, args[0] ?? "");
}

/** Every object that the chart makes of some values, without asking a cluster. */
export async function renderChart(
  context: Context,
  place: HelmPlace,
  helm: Helm,
  { release, values }: { release: string; values: unknown },
): Promise<KubeObject[]> {
  // Without a cluster Helm takes the version it was built for, and some builds were for none.
  const flags = ["--skip-tests", "--kube-version", versions.cluster.kubernetes];
  const printed = await withValues(values, (file) =>
    callHelm(context, place, helm, ["template", release, CHART, "--values", file, ...flags]),
  );
  const { parseAllDocuments } = await import("yaml");
  return parseAllDocuments(printed)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
}

/** Puts values into a file that only its owner may read, for as long as `use` takes. */
export async function withValues<Result>(values: unknown, use: (file: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-values-"));
  try {
    await chmod(folder, 0o700);
    const file = join(folder, "values.json");
    await writeFile(file, JSON.stringify(values), { mode: 0o600 });
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Helm's own levels into ours; what is an error is told once, at the end. */
function tellLine({ progress }: Context, line: string): void {
  if (/^(WARNING|W\d{4})/.test(line) || /level=WARN/.test(line)) {
    progress.warn(line.replace(/^WARNING:\s*|^W\d{4} \S+\s+\d+ \S+\] /, ""));
  } else progress.debug(line);
}

/** What Helm says, and what that is for us. The first row that fits counts. */
const FAILURES: readonly { pattern: RegExp; code: ErrorCode; message: (said: string) => string; mend: string }[] = [
  {
    pattern: /cannot re-?use a name that is still in use/i,
    code: "RELEASE_EXISTS",
    message: () => "A release of this name is in the namespace already.",
    mend: "use another name, delete it (bulwark delete NAME), or add --upgrade",
  },
  {
    pattern: /release: not found|has no deployed releases/i,
    code: "RELEASE_UNKNOWN",
    message: () => "Helm knows no release of this name.",
    mend: "see what there is: bulwark list --cluster",
  },
  {
    pattern: /cluster unreachable|connection refused|no such host|i\/o timeout|TLS handshake/i,
    code: "CLUSTER_UNREACHABLE",
    message: () => "Helm cannot reach the cluster.",
    mend: "check the kubeconfig: kubectl cluster-info",
  },
  {
    pattern: /is forbidden|forbidden:/i,
    code: "CLUSTER_FORBIDDEN",
    message: (said) => said,
    mend: "see all that is needed: bulwark doctor --cluster",
  },
  {
    pattern: /namespaces? "[^"]*" not found/i,
    code: "NAMESPACE_UNKNOWN",
    message: (said) => said,
    mend: "kubectl get namespaces",
  },
  {
    pattern: /values don't meet the specifications of the schema/i,
    code: "JOB_INVALID",
    message: () => "The chart does not take these values.",
    mend: "correct what is listed above: bulwark validate --cluster FILE",
  },
];

function toHelmError(errors: string, action: string): BulwarkError {
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  const from = lines.findIndex((line) => /^(Error|level=ERROR)/.test(line));
  const said = (from === -1 ? lines.slice(-1) : lines.slice(from)).map((line) => line.replace(/^Error:\s*/, ""));
  const [first = `helm ${action} failed`] = said;
  const row = FAILURES.find(({ pattern }) => pattern.test(errors));
  const message = shortenSaid(first.replace(/^(INSTALLATION|UPGRADE|UNINSTALLATION) FAILED:\s*/, ""));
  if (row === undefined) {
    return new BulwarkError("HELM_FAILED", `helm ${action}: ${message}`, "see all that it says: --debug");
  }
  const findings: Finding[] =
    row.code === "JOB_INVALID"
      ? said
          .filter((line) => /^\s*- /.test(line))
          .map((line) => ({ code: "JOB_INVALID", message: line.replace(/^\s*- /, ""), mend: row.mend }))
      : [];
  return new BulwarkError(row.code, row.message(message), row.mend, { findings });
}

const shortenSaid = (text: string): string => (text.length > 600 ? `${text.slice(0, 597)}...` : text);
