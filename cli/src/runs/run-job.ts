// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError, type JobFile, parseDurationMs } from "@bulwark/contracts";
import { type RunPlan, workingPath } from "@bulwark/spark";
import type { Context } from "../command.ts";
import type { RunEvent } from "./events.ts";
import { explainFailure } from "./failure.ts";
import { restrictToOwner, writeFileWhole } from "./files.ts";
import { startGuard } from "./guard.ts";
import { cleanLostRuns } from "./lost-runs.ts";
import { discardOutputs, prepareOutputs, publishOutputs } from "./outputs.ts";
import { writePlan } from "./plan-files.ts";
import { type Ground, type PreparedRun, prepareRun } from "./prepare.ts";
import { identifyProcess } from "./processes.ts";
import { hasRecord, type RunFailure, type RunRecord, saveRecord } from "./record.ts";
import {
  type Observed,
  observeApplication,
  observeDatasets,
  observeReplacement,
  observeUi,
} from "./security/observe.ts";
import { composeReport, listExposures, type Observation, type SecurityReport } from "./security/report.ts";
import { watchScratch } from "./security/scratch.ts";
import { showRunProgress } from "./show-progress.ts";
import { superviseRun } from "./supervise.ts";

/** How a run ended: its record, and the security report if the application came so far. */
export type RunResult = { record: RunRecord; report: SecurityReport | undefined };

export type RunRequest = {
  job: JobFile;
  /** Relative paths in the job start here. */
  baseFolder: string;
  /** Gives the job every master key, for tools that learn from the data which they need. */
  allKeys?: boolean;
  onOutput: (chunk: Buffer) => void;
  /** See `Supervision`. */
  executorGraceMs?: number;
};

/** A program that sets a master of its own runs beside everything that was planned. */
const UNOBSERVED: RunFailure = {
  code: "SECURITY_MISMATCH",
  message: "The program ended without a Spark application that could be observed. Nothing was published.",
  mend: "leave out .master(...) in the program: Bulwark sets it",
};
const REPORT_FILE = "security-report.json";
const ID_BYTES = 3;

/**
 * Runs a job on this machine from plan to report. A failure of the application is in the result, not thrown.
 *
 * @throws BulwarkError for what stands in the way before anything starts
 */
export async function runOnGround(context: Context, ground: Ground, request: RunRequest): Promise<RunResult> {
  await cleanLostRuns(context.paths.runs, context.now());
  for (let attempt = 0; ; attempt++) {
    const result = await attemptRun(context, ground, request, attempt);
    if (result.record.failure?.code !== "JOB_FAILED" || attempt >= request.job.retries) return result;
    context.progress.warn(`attempt ${attempt + 1} failed: ${result.record.failure.message}; trying again`);
  }
}

async function attemptRun(context: Context, ground: Ground, request: RunRequest, attempt: number): Promise<RunResult> {
  const { job, baseFolder } = request;
  const id = `${job.name}-${randomBytes(ID_BYTES).toString("hex")}`;
  const prepared = await prepareRun(context, ground, { job, id, baseFolder, allKeys: request.allKeys === true });
  const { plan, folders } = prepared;
  const record = newRecord(context, job, id, plan, attempt);
  const guard = startGuard(id, folders.run, record.unfinished);
  try {
    for (const folder of [...Object.values(folders), join(folders.work, "tmp")]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    await writePlan(plan.files);
    for (const { from, to } of prepared.stores) await copyFile(from, to);
    await prepareOutputs(plan.datasets);
    await saveRecord(context.paths.runs, record);
    return await conductRun(context, request, prepared, record).catch((error: Error) => {
      if (hasRecord(context.paths.runs, id)) throw error;
      const message = `Somebody removed ${folders.run} while the job ran; it was stopped.`;
      throw new BulwarkError("RUN_FOLDER_LOST", message, "run it again, and leave the folder alone until it ends");
    });
  } finally {
    // A guard that is not told waits for ever, and this process for it.
    await cleanUp(prepared).finally(() => guard.dismiss());
  }
}

/** What is left of a run is its record, its logs and its report. */
async function cleanUp({ plan, folders }: PreparedRun): Promise<void> {
  await discardOutputs(plan.datasets);
  await rm(folders.secrets, { recursive: true, force: true });
  await rm(folders.work, { recursive: true, force: true });
  if (existsSync(folders.run)) await restrictToOwner(folders.run);
}

async function conductRun(
  context: Context,
  request: RunRequest,
  prepared: PreparedRun,
  record: RunRecord,
): Promise<RunResult> {
  const { job } = request;
  const { plan, folders } = prepared;
  const observations: Observation[] = [];
  const scratch = watchScratch(folders.work);
  let uiSeen: Promise<Observation[]> | undefined;
  let observed: Observed | undefined;
  const shown = showRunProgress(context.progress, plan.executors);
  let outcome: { state: RunRecord["state"]; failure?: RunFailure };
  try {
    const { end, events } = await superviseRun({
      plan,
      folders,
      signal: context.signal,
      timeoutMs: parseDurationMs(job.timeout),
      startTimeoutMs: parseDurationMs(job.startTimeout),
      ...(request.executorGraceMs === undefined ? {} : { executorGraceMs: request.executorGraceMs }),
      onOutput: (chunk) => shown.output(() => request.onOutput(chunk)),
      onEvent: (event) => {
        shown.event(event);
        if (event.type === "ready") uiSeen ??= observeUi(event.ui ?? "", prepared.ca);
      },
      onErrorOutput: (chunk) => shown.output(() => context.stderr.write(chunk)),
      observe: async (running) => {
        observed = {
          runId: record.id,
          runFolder: folders.run,
          profile: record.profile,
          plan,
          ca: prepared.ca,
          uiSeen: uiSeen ?? observeUi(running.ui, prepared.ca),
          secrets: prepared.secrets,
          ...running,
        };
        observations.push(...(await observeApplication(observed)));
        observations.push(
          ...(await observeDatasets(
            plan.datasets.filter((dataset) => dataset.mode === "read"),
            (dataset) => dataset.path,
          )),
        );
        requireAsPlanned(observations);
        Object.assign(record, { state: "running", ui: running.ui });
        await saveRecord(context.paths.runs, record);
      },
      observeLater: async (event) => {
        if (event.type === "stage-done") requireCiphertext(await scratch.look());
        if (event.type !== "block-manager" || observed === undefined) return;
        const seen = await observeReplacement(event.executor, event.address, observed);
        observations.push(...seen);
        requireAsPlanned(seen);
      },
    });
    outcome = await judgeEnd(end.code, observations.length > 0, events, folders.logs);
  } catch (error) {
    outcome = describeStop(error, context.signal.aborted, folders.logs);
  }
  if (outcome.state === "succeeded") outcome = await publish(prepared, observations, outcome);
  shown.end(outcome.state, outcome.failure);
  if (observations.length > 0) observations.push(scratch.observation());
  const report = await writeReport(context, record, job, observations, folders.run);
  Object.assign(record, outcome, { endedAt: context.now().toISOString() });
  delete record.ui;
  await saveRecord(context.paths.runs, record);
  return { record, report };
}

/** Outputs are put in place only when they are protected as planned. */
async function publish(
  { plan }: PreparedRun,
  observations: Observation[],
  outcome: { state: RunRecord["state"] },
): Promise<{ state: RunRecord["state"]; failure?: RunFailure }> {
  const outputs = plan.datasets.filter((dataset) => dataset.staging !== undefined);
  const seen = await observeDatasets(outputs, workingPath);
  observations.push(...seen);
  const plain = seen.find((observation) => !observation.asPlanned);
  if (plain !== undefined) {
    const message = `${plain.subject}: ${plain.observed}. Nothing was published.`;
    return {
      state: "failed",
      failure: { code: "SECURITY_MISMATCH", message, mend: "write it as Parquet, CSV, JSON or text through Spark" },
    };
  }
  try {
    await publishOutputs(plan.datasets);
    return outcome;
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return { state: "failed", failure: { code: error.code, message: error.message, mend: error.mend } };
  }
}

async function judgeEnd(
  code: number | null,
  observed: boolean,
  events: readonly RunEvent[],
  logs: string,
): Promise<{ state: RunRecord["state"]; failure?: RunFailure }> {
  if (code === 0) return observed ? { state: "succeeded" } : { state: "failed", failure: UNOBSERVED };
  return { state: "failed", failure: await explainFailure(events, logs) };
}

function describeStop(
  error: unknown,
  interrupted: boolean,
  logs: string,
): { state: RunRecord["state"]; failure: RunFailure } {
  const log = join(logs, "driver.log");
  if (interrupted) {
    const failure = { code: "INTERRUPTED" as const, message: "The run was stopped.", mend: "run it again", log };
    return { state: "stopped", failure };
  }
  if (!(error instanceof BulwarkError)) throw error;
  return { state: "failed", failure: { code: error.code, message: error.message, mend: error.mend, log } };
}

function requireAsPlanned(observations: readonly Observation[]): void {
  const first = observations.find((observation) => !observation.asPlanned);
  if (first === undefined) return;
  const message = `The running application is not protected as planned: ${first.subject}: ${first.observed}`;
  throw new BulwarkError("SECURITY_MISMATCH", message, "see the report: bulwark status --security");
}

function requireCiphertext(plain: string | undefined): void {
  if (plain === undefined) return;
  const message = `A scratch file is not encrypted as planned: ${plain}`;
  throw new BulwarkError("SECURITY_MISMATCH", message, "see the report: bulwark status --security");
}

function newRecord(context: Context, job: JobFile, id: string, plan: RunPlan, attempt: number): RunRecord {
  const supervisor = identifyProcess(process.pid);
  if (supervisor === undefined)
    throw new BulwarkError("BUG", "This process cannot see itself in /proc.", "mount /proc");
  return {
    apiVersion: "bulwark/v1",
    id,
    name: job.name,
    state: "starting",
    application: job.class ?? job.python ?? job.jar ?? "",
    profile: job.security.profile,
    tee: job.trust.tee,
    executors: plan.executors,
    unfinished: plan.datasets.flatMap((dataset) => dataset.staging ?? []),
    startedAt: context.now().toISOString(),
    supervisor,
    attempts: attempt + 1,
  };
}

async function writeReport(
  context: Context,
  record: RunRecord,
  job: JobFile,
  observations: readonly Observation[],
  folder: string,
): Promise<SecurityReport | undefined> {
  if (observations.length === 0) return undefined;
  const exposures = listExposures(record.tee, job.python !== undefined);
  const report = composeReport(record, context.now(), observations, exposures);
  await writeFileWhole(join(folder, REPORT_FILE), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}
