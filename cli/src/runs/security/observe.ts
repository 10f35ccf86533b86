// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PlannedDataset, RunPlan } from "@bulwark/spark";
import { findMarkedProcesses } from "../processes.ts";
import { inspectFiles } from "./files-at-rest.ts";
import { askUi, callUnauthenticated, callUnauthenticatedByTls, type UiAnswer } from "./probes.ts";
import type { Observation } from "./report.ts";
import { findListeners, isLoopback } from "./sockets.ts";

/** What the observers may look at, and what they must not find. */
export type Observed = {
  runId: string;
  runFolder: string;
  profile: string;
  plan: RunPlan;
  /** Of the driver and of every block manager; each ends with `HOST:PORT`. */
  addresses: readonly string[];
  /** Spark's own account of its settings. */
  settings: Readonly<Record<string, string>>;
  /** What `observeUi` saw: it can look before the executors are there. */
  uiSeen: Promise<Observation[]>;
  /** The CA that vouches for every certificate of the run. */
  ca: string;
  /** Values that must appear nowhere: secret, passwords, token. */
  secrets: readonly string[];
};

type Observer = (observed: Observed) => Promise<Observation[]>;

const OBSERVERS: Readonly<Record<string, Observer>> = {
  "settings of the application": observeSettings,
  "web UI and REST API": ({ uiSeen }) => uiSeen,
  "listening sockets": observeListeners,
  "channels between driver and executors": observeChannels,
  "command lines and environments": observeProcesses,
  "files with secrets": observeFileModes,
};

/** Looks at a running application from outside, with every observer. A look that fails is a difference. */
export async function observeApplication(observed: Observed): Promise<Observation[]> {
  const looks = Object.entries(OBSERVERS).map(([subject, look]) => seeOrDiffer(subject, () => look(observed)));
  return (await Promise.all(looks)).flat();
}

const REPLACEMENT_LOOKS: readonly Observer[] = [observeListeners, observeChannels, observeProcesses];

/**
 * Looks at an executor that came after the first look, in place of one that died. Spark gives it tasks at once, so a
 * difference comes too late to hold those back; it stops the run, and nothing is published.
 *
 * @param address where its block manager listens. When nobody listens there any more, it died again: nothing to look at
 */
export async function observeReplacement(
  executor: string,
  address: string,
  observed: Observed,
): Promise<Observation[]> {
  const subject = `executor ${executor}, in place of one that died`;
  return seeOrDiffer(subject, async () => {
    const looks = REPLACEMENT_LOOKS.map((look) => look({ ...observed, addresses: [address] }));
    const seen = (await Promise.allSettled(looks)).flatMap((look) =>
      look.status === "fulfilled" ? look.value : [failedLook(subject, look.reason)],
    );
    const alive = findListeners(findMarkedProcesses(observed.runId)).some(({ port }) => port === toPort(address));
    if (!alive) return [];
    const bad = seen.find(({ asPlanned }) => !asPlanned);
    const protection = "as that of the first executors";
    const refusal = "refuses a caller without the secret; sockets, command line and environment as planned";
    const words = bad === undefined ? `port ${toPort(address)} ${refusal}` : `${bad.subject}: ${bad.observed}`;
    return [{ subject, protection, observed: words, asPlanned: bad === undefined }];
  });
}

/** Looks at the files of datasets that were to be encrypted. */
export async function observeDatasets(
  datasets: readonly PlannedDataset[],
  pathOf: (dataset: PlannedDataset) => string,
): Promise<Observation[]> {
  const encrypted = datasets.filter((dataset) => dataset.key !== undefined);
  return Promise.all(
    encrypted.map(async (dataset) => {
      const files = await inspectFiles(pathOf(dataset)).catch(() => []);
      const plain = files.filter((file) => file.protection === "none");
      const seen = files.length === 0 ? "no file" : `${files.length - plain.length} of ${files.length} files encrypted`;
      return {
        subject: `data ${dataset.name} (${dataset.mode})`,
        protection: "AES-256-GCM, per column (Parquet) or per frame (text)",
        observed: plain[0] === undefined ? seen : `${seen}; plain: ${plain[0].path}`,
        // A job may end without having written an output; what it wrote must be encrypted.
        asPlanned: plain.length === 0 && (dataset.mode === "write" || files.length > 0),
      };
    }),
  );
}

/** Every setting the profile needs, as the application itself reported it (Spark's environment event). */
async function observeSettings({ plan, settings }: Observed): Promise<Observation[]> {
  const required = Object.entries(plan.required);
  const wrong = required.filter(([key, value]) => settings[key] !== value);
  return [
    {
      subject: "settings of the application",
      protection: "profile and scratch encryption",
      observed:
        wrong.length === 0
          ? `all ${required.length} settings as planned (Spark's environment)`
          : `not as planned: ${wrong.map(([key]) => `${key}=${settings[key] ?? "(absent)"}`).join(", ")}`,
      asPlanned: wrong.length === 0,
    },
  ];
}

/** The UI as a stranger meets it. It is there before the executors are, so this can be seen while they start. */
export async function observeUi(ui: string, ca: string): Promise<Observation[]> {
  return seeOrDiffer("web UI and REST API", async () => {
    const stranger = await askOpenUi(`${ui}/api/v1/applications`, ca);
    return [
      {
        subject: "web UI and REST API",
        protection: "TLS 1.3, token",
        observed: `${stranger.protocol} ${stranger.cipher}; without token: ${stranger.status}`,
        asPlanned: stranger.protocol === "TLSv1.3" && stranger.status === 401,
      },
    ];
  });
}

const OPENING_LIMIT_MS = 30_000;
const OPENING_PAUSE_MS = 300;
const NOT_FOUND = 404;
const SERVER_ERROR = 500;

/** Spark listens before it serves, and exchanges its pages on the way. Until it serves there is nothing to be seen. */
async function askOpenUi(url: string, ca: string): Promise<UiAnswer> {
  for (const limit = Date.now() + OPENING_LIMIT_MS; ; await delay(OPENING_PAUSE_MS)) {
    const answer = await askUi(url, ca);
    const opening = answer.status === NOT_FOUND || answer.status >= SERVER_ERROR;
    if (!opening || Date.now() > limit) return answer;
  }
}

/** A look that fails is a difference. */
async function seeOrDiffer(subject: string, look: () => Promise<Observation[]>): Promise<Observation[]> {
  try {
    return await look();
  } catch (error) {
    return [failedLook(subject, error as Error)];
  }
}

function failedLook(subject: string, error: Error): Observation {
  return { subject, protection: "", observed: `could not be seen: ${error.message}`, asPlanned: false };
}

/** Every listening socket of every process of the run. */
async function observeListeners(observed: Observed): Promise<Observation[]> {
  const listeners = findListeners(findMarkedProcesses(observed.runId));
  const open = listeners.filter((listener) => !isLoopback(listener.address));
  return [
    {
      subject: "listening sockets",
      protection: "loopback only",
      observed:
        open.length === 0
          ? `${listeners.length} sockets, all on loopback`
          : `open to others: ${open.map((listener) => `${listener.address}:${listener.port}`).join(", ")}`,
      asPlanned: open.length === 0 && listeners.length > 0,
    },
  ];
}

/** Every Spark port, called by someone without the secret. */
async function observeChannels(observed: Observed): Promise<Observation[]> {
  const answers = await Promise.all(observed.addresses.map((address) => probe(toPort(address), observed)));
  const bad = answers.find((answer) => !answer.refused);
  return [
    {
      subject: "channels between driver and executors",
      protection: observed.profile === "tls" ? "TLS 1.3, AES-GCM, shared secret" : "AES-128-GCM, shared secret",
      observed: bad
        ? `port ${bad.port}: ${bad.seen}`
        : `${answers.length} ports refused a caller without the secret (${answers[0]?.seen ?? ""})`,
      asPlanned: bad === undefined,
    },
  ];
}

function toPort(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

async function probe(port: number, observed: Observed): Promise<{ port: number; refused: boolean; seen: string }> {
  if (observed.profile === "tls") {
    const answer = await callUnauthenticatedByTls(port, observed.ca);
    const strong = answer.protocol === "TLSv1.3" && answer.cipher.includes("GCM");
    const refused = answer.refusal?.includes("SaslMessage") === true || answer.closed;
    return { port, refused: strong && refused, seen: `${answer.protocol} ${answer.cipher}` };
  }
  const answer = await callUnauthenticated(port);
  return { port, refused: answer.closed, seen: answer.refusal ?? (answer.closed ? "closed" : "answered") };
}

/** Command lines and environments of every process of the run. */
async function observeProcesses(observed: Observed): Promise<Observation[]> {
  const pids = findMarkedProcesses(observed.runId);
  const needles = observed.secrets.flatMap(spellings);
  const leaks = pids.flatMap((pid) =>
    ["cmdline", "environ"].filter((file) => containsAny(readProc(pid, file), needles)).map((file) => `${pid}/${file}`),
  );
  const readable = pids.filter((pid) => isReadableByOthers(pid));
  return [
    {
      subject: "command lines and environments",
      protection: "no secret in either; environments readable by the owner only",
      observed:
        leaks.length + readable.length === 0
          ? `${pids.length} processes looked at`
          : `secret in /proc/${leaks.join(", /proc/")}; readable by others: ${readable.join(", ")}`,
      asPlanned: leaks.length + readable.length === 0 && pids.length > 0,
    },
  ];
}

/** A secret as it is, in hex and in base64. */
export function spellings(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString("hex"), bytes.toString("base64"), bytes.toString("base64url")];
}

function containsAny(content: string, needles: readonly string[]): boolean {
  return needles.some((needle) => content.includes(needle));
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}

function isReadableByOthers(pid: number): boolean {
  const stat = statSync(`/proc/${pid}/environ`, { throwIfNoEntry: false });
  return stat !== undefined && ((stat.mode & 0o077) !== 0 || stat.uid !== process.getuid?.());
}

/** Modes of everything in the run's folder. */
async function observeFileModes(observed: Observed): Promise<Observation[]> {
  const folder = await lstat(observed.runFolder);
  const secrets = await readdir(join(observed.runFolder, "secrets"));
  const modes = await Promise.all(secrets.map((name) => lstat(join(observed.runFolder, "secrets", name))));
  const loose = [folder, ...modes].filter((stat) => (stat.mode & 0o077) !== 0);
  return [
    {
      subject: "files with secrets",
      protection: "0600 in a 0700 folder, removed at the end",
      observed: loose.length === 0 ? `${modes.length} files, owner only` : `${loose.length} can be read by others`,
      asPlanned: loose.length === 0 && modes.length > 0,
    },
  ];
}
