// SPDX-License-Identifier: Apache-2.0
import type { JobStatus, PartStatus } from "@bulwark/kubernetes";
import type { Column } from "../command.ts";
import { formatAge } from "../output/age.ts";
import { alignCells } from "../output/print.ts";
import { showOneLine } from "../output/terminal.ts";
import { fillMend } from "./outcome.ts";

/** Trust in one word: what was observed of the driver, or what is planned as long as nobody looked. */
export function trustOf({ planned, driver }: JobStatus): string {
  const observed = driver?.tee;
  if (observed === undefined || observed === "not checked") return `${planned.tee}, not checked`;
  return observed === planned.tee || planned.tee === "unknown" ? observed : `${observed} (${planned.tee} wanted)`;
}

const TRUST_WORDS: Readonly<Record<string, string>> = {
  none: "no TEE: whoever owns the nodes can read the job's memory and its Secrets",
  simulation: "no TEE: whoever owns the nodes can read everything",
};
const HARDWARE = ["sgx", "tdx", "snp"];
const READABLE = "its Secrets are plain Kubernetes Secrets, which the hosts can read";

/** What the TEE that a job asks for does not protect, where somebody might think that it does. */
export function warnOfTrust(tee: string): string | undefined {
  if (tee === "simulation") return `trust.tee is simulation: ${TRUST_WORDS.simulation}`;
  return HARDWARE.includes(tee) ? `trust.tee is ${tee}: ${READABLE}, whatever the TEE protects afterwards` : undefined;
}

/** For lines without room: the word of a job that only pretends, and nothing for others. */
export const simulationMark = ({ planned }: JobStatus): string => (planned.tee === "simulation" ? "SIMULATED TEE" : "");

function showTrust(status: JobStatus): string {
  const trust = trustOf(status);
  const words = HARDWARE.includes(status.planned.tee) ? READABLE : TRUST_WORDS[trust.replace(", not checked", "")];
  return words === undefined ? trust : `${trust} (${words})`;
}

const stagesOf = ({ progress }: JobStatus): string =>
  progress === undefined || progress.stages.total === 0 ? "" : `${progress.stages.done}/${progress.stages.total}`;

/** Columns of `list`. */
export function listColumns(now: Date, allNamespaces: boolean): Column<JobStatus>[] {
  return [
    ...(allNamespaces ? [{ heading: "namespace", cell: (status: JobStatus) => status.namespace }] : []),
    { heading: "name", cell: ({ name }) => name },
    { heading: "state", cell: ({ state }) => state },
    { heading: "trust", cell: trustOf },
    { heading: "executors", cell: ({ counts }) => `${counts.running}/${counts.wanted}` },
    { heading: "stages", cell: stagesOf },
    { heading: "restarts", cell: ({ restarts }) => String(restarts) },
    { heading: "age", cell: ({ createdAt }) => (createdAt === undefined ? "" : formatAge(new Date(createdAt), now)) },
    { heading: "reason", cell: ({ reason }) => shortReason(reason?.words) },
    { heading: "security", wide: true, cell: ({ security }) => security.verdict },
    { heading: "profile", wide: true, cell: ({ planned }) => planned.profile ?? "" },
    { heading: "image", wide: true, cell: ({ planned }) => planned.image ?? "" },
  ];
}

const shortReason = (words = ""): string => (words.length > 80 ? `${words.slice(0, 77)}...` : words);

/** One status as people read it. */
export function describeStatus(status: JobStatus, now: Date): string {
  const { progress, counts, reason, security } = status;
  const at = (time: string | undefined): string | undefined =>
    time === undefined ? undefined : `${time} (${formatAge(new Date(time), now)} ago)`;
  const lines: [string, string | undefined][] = [
    ["job", `${status.name} in namespace ${status.namespace}`],
    ["state", status.state],
    ["reason", reason?.words],
    ["mend", reason === undefined ? undefined : fillMend(reason.mend, status)],
    ["trust", showTrust(status)],
    ["profile", status.planned.profile],
    ["security", security.verdict === "unknown" ? "not observed yet" : security.verdict],
    ["application", status.planned.application],
    ["image", status.planned.image],
    [
      "schedule",
      status.schedule === undefined ? undefined : `${status.schedule} (${status.timeZone ?? "time of the cluster"})`,
    ],
    ["submitted", at(status.createdAt)],
    ["ended", at(status.endedAt)],
    [
      "executors",
      `${counts.running} running, ${counts.pending} pending, ${counts.failed} failed, ${counts.wanted} wanted`,
    ],
    ["stages", progress === undefined ? undefined : showCounts(progress.stages)],
    ["tasks", progress === undefined ? undefined : showCounts(progress.tasks)],
    ["restarts", String(status.restarts)],
  ];
  const facts = lines
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `${key.padEnd(12)}${showOneLine(value ?? "")}`);
  const parts = partsOf(status);
  return [...facts, ...(parts.length === 0 ? [] : ["", describeParts(parts, now)])].join("\n");
}

const showCounts = ({
  done,
  running,
  failed,
  total,
}: {
  done: number;
  running: number;
  failed: number;
  total: number;
}): string => `${done} of ${total} done, ${running} running${failed === 0 ? "" : `, ${failed} failed`}`;

/** Launcher, driver and executors, in this order. */
export const partsOf = ({ launcher, driver, executors }: JobStatus): PartStatus[] =>
  [launcher, driver, ...executors].filter((part) => part !== undefined);

function describeParts(parts: readonly PartStatus[], now: Date): string {
  const rows = parts.map(({ part, state, tee, restarts, node, createdAt, pod, reason }) => [
    part,
    state,
    tee,
    String(restarts),
    formatAge(new Date(createdAt), now),
    node ?? "-",
    pod,
    shortReason(reason?.words),
  ]);
  return alignCells([
    ["PART", "STATE", "TEE", "RESTARTS", "AGE", "NODE", "POD", "REASON"],
    ...rows.map((row) => row.map(showOneLine)),
  ]);
}

/** The protection of a job as it was observed in the running application, before its first task. */
export function describeSecurity({ name, planned, security }: JobStatus): string {
  const head = `Security of ${name} (profile ${planned.profile ?? "unknown"}, TEE ${planned.tee}): ${security.verdict}`;
  if (security.observations.length === 0) return `${head}; nothing was observed yet`;
  const rows = security.observations.map(({ asPlanned, subject, protection, observed }) => [
    asPlanned ? "ok" : "FAIL",
    subject,
    protection,
    observed,
  ]);
  return `${head}\n${alignCells([["STATE", "WHAT", "PROTECTION", "OBSERVED"], ...rows.map((row) => row.map(showOneLine))])}`;
}
