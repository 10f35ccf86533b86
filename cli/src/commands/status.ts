// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import { demandName } from "../cluster/name.ts";
import type { CommandSpec } from "../command.ts";
import { formatAge } from "../output/age.ts";
import { formatReport } from "../output/security-report.ts";
import { type RunEvent, readEvents } from "../runs/events.ts";
import { findRecord, isEnded, type RunRecord } from "../runs/record.ts";
import type { SecurityReport } from "../runs/security/report.ts";

/** `bulwark status`: one run, or one job in a cluster, how far it is, why it failed, how it was protected. */
export const spec: CommandSpec = {
  examples: [
    "bulwark status",
    "bulwark status diagnosis",
    "bulwark status diagnosis --security",
    "bulwark status sales -n analytics --watch",
  ],
  configure(command) {
    command
      .argument("[name]", "id of a run, or name of a job (its newest run); the newest run of all by default")
      .option("--security", "show how it was protected, as observed")
      .option("-w, --watch", "go on until it ends (cluster)");
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    if (meansCluster(context, flags)) {
      const { showStatus } = await import("../cluster/status.ts");
      return showStatus(context, demandName(args[0]), flags);
    }
    const record = await findRecord(context.paths.runs, args[0]);
    const folder = join(context.paths.runs, record.id);
    if (flags.security === true) {
      const report = await readReport(folder, record);
      return { value: report, text: formatReport(report) };
    }
    const progress = summarize(await readEvents(join(folder, "events.jsonl")));
    return { value: { ...record, progress }, text: describe(record, progress, context.now()) };
  },
};

async function readReport(folder: string, record: RunRecord): Promise<SecurityReport> {
  try {
    return JSON.parse(await readFile(join(folder, "security-report.json"), "utf8")) as SecurityReport;
  } catch (cause) {
    const why = isEnded(record) ? "ended before it could be observed" : "is not observed yet";
    throw new BulwarkError("RUN_UNKNOWN", `${record.id} ${why}.`, `bulwark status ${record.id}`, { cause });
  }
}

type StageProgress = { stage: number; name: string; done: number; tasks: number; state: "running" | "done" | "failed" };

type RunProgress = { stages: StageProgress[]; executors: { added: number; lost: number } };

/** Stages with their tasks, and executors that came and went. */
function summarize(events: readonly RunEvent[]): RunProgress {
  const stages = new Map<number, StageProgress>();
  for (const event of events) {
    if (event.type === "stage") {
      stages.set(event.stage, { stage: event.stage, name: event.name, done: 0, tasks: event.tasks, state: "running" });
    }
    const stage = "stage" in event ? stages.get(event.stage) : undefined;
    if (stage !== undefined) stages.set(stage.stage, { ...stage, ...toChange(event) });
  }
  const count = (type: RunEvent["type"]): number => events.filter((event) => event.type === type).length;
  return {
    stages: [...stages.values()],
    executors: { added: count("executor-added"), lost: count("executor-removed") },
  };
}

function toChange(event: RunEvent): Partial<StageProgress> {
  if (event.type === "tasks") return { done: event.done };
  if (event.type !== "stage-done") return {};
  return event.failure === undefined ? { state: "done", done: event.tasks } : { state: "failed" };
}

function describe(record: RunRecord, progress: RunProgress, now: Date): string {
  const running = progress.stages.filter((stage) => stage.state === "running");
  const lines: [string, string | undefined][] = [
    ["run", record.id],
    ["state", record.state],
    ["trust", record.tee === "none" ? "none (no TEE on this machine)" : record.tee],
    ["profile", record.profile],
    ["application", record.application],
    ["started", `${record.startedAt} (${formatAge(new Date(record.startedAt), now)} ago)`],
    ["ended", record.endedAt],
    ["executors", `${progress.executors.added} came, ${progress.executors.lost} went, ${record.executors} wanted`],
    ["stages", `${progress.stages.length - running.length} done, ${running.length} running`],
    ...running.map((stage): [string, string] => [
      `stage ${stage.stage}`,
      `${stage.done} of ${stage.tasks} tasks, ${stage.name}`,
    ]),
    ["ui", record.ui === undefined ? undefined : `bulwark ui ${record.id}`],
    ["failure", record.failure?.message],
    ["mend", record.failure?.mend],
    ["logs", `bulwark logs ${record.id}`],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key.padEnd(12)}${value}`)
    .join("\n");
}
