// SPDX-License-Identifier: Apache-2.0

/** How far an application is, as its driver writes it onto its pod (`bulwark/progress`). */
export type Progress = {
  applicationId?: string;
  state?: string;
  stages: Counts;
  tasks: Counts;
  executors: { registered: number; wanted: number };
  failure?: { code: string; message: string; stage?: number; executor?: string };
};

export type Counts = { done: number; running: number; failed: number; total: number };

/** One point of the security report, as observed in the running application (`bulwark/security`). */
export type Observation = { subject: string; protection: string; observed: string; asPlanned: boolean };

/** What a job was submitted with (`bulwark/planned`). */
export type Planned = {
  tee: string;
  profile?: string;
  executors?: number;
  deployMode?: string;
  application?: string;
  image?: string;
  pvc?: string;
  eventLog?: string;
  /** The claim that event logs and copies of logs are on. */
  eventLogClaim?: string;
  /** Whether its driver serves Spark's UI. */
  ui?: boolean;
  /** Secrets with which its image is pulled. */
  pullSecrets: readonly string[];
};

// Annotations can be written by whoever may change pods, so nothing in them is taken for what it should be.
const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const toNumber = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0;
const LONGEST_TEXT = 2000;
const toText = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value.slice(0, LONGEST_TEXT) : undefined;

function parse(text: string | undefined): unknown {
  // An error for each of thousands of pods that have no annotation takes longer than all the rest.
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Leaves out what is not given. */
function given<Fields extends Record<string, unknown>>(
  fields: Fields,
): { [Key in keyof Fields]?: NonNullable<Fields[Key]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: NonNullable<Fields[Key]>;
  };
}

function toCounts(value: unknown): Counts {
  const fields = isFields(value) ? value : {};
  return {
    done: toNumber(fields.done),
    running: toNumber(fields.running),
    failed: toNumber(fields.failed),
    total: toNumber(fields.total),
  };
}

/** Reads `bulwark/progress`; undefined when there is none that can be read. */
export function parseProgress(text: string | undefined): Progress | undefined {
  const value = parse(text);
  if (!isFields(value)) return undefined;
  const executors = isFields(value.executors) ? value.executors : {};
  const failure = isFields(value.failure) ? value.failure : undefined;
  return {
    ...given({ applicationId: toText(value.applicationId), state: toText(value.state) }),
    stages: toCounts(value.stages),
    tasks: toCounts(value.tasks),
    executors: { registered: toNumber(executors.registered), wanted: toNumber(executors.wanted) },
    ...(failure === undefined
      ? {}
      : {
          failure: {
            code: toText(failure.code) ?? "JOB_FAILED",
            message: toText(failure.message) ?? "",
            ...given({
              stage: typeof failure.stage === "number" ? failure.stage : undefined,
              executor: toText(typeof failure.executor === "number" ? `${failure.executor}` : failure.executor),
            }),
          },
        }),
  };
}

/** Reads `bulwark/security`: a list of observations, or an object that holds one. */
export function parseObservations(text: string | undefined): Observation[] {
  const value = parse(text);
  const list = Array.isArray(value) ? value : isFields(value) ? (value.observations ?? []) : [];
  if (!Array.isArray(list)) return [];
  return list.filter(isFields).map((fields) => ({
    subject: toText(fields.subject) ?? "",
    protection: toText(fields.protection) ?? "",
    observed: toText(fields.observed) ?? "",
    asPlanned: fields.asPlanned === true,
  }));
}

/** Reads `bulwark/planned`. */
export function parsePlanned(text: string | undefined): Planned {
  const value = parse(text);
  const fields = isFields(value) ? value : {};
  return {
    tee: toText(fields.tee) ?? "unknown",
    ...given({
      profile: toText(fields.profile),
      executors: typeof fields.executors === "number" ? fields.executors : undefined,
      deployMode: toText(fields.deployMode),
      application: toText(fields.application),
      image: toText(fields.image),
      pvc: toText(fields.pvc),
      eventLog: toText(fields.eventLog),
      eventLogClaim: toText(fields.eventLogClaim),
      ui: typeof fields.ui === "boolean" ? fields.ui : undefined,
    }),
    pullSecrets: Array.isArray(fields.pullSecrets) ? fields.pullSecrets.filter((name) => toText(name) === name) : [],
  };
}

/** Reads `bulwark/tee`: one word for the pod itself, or JSON with one per part. */
export function parseTee(text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  const value = parse(text);
  if (!isFields(value)) return { self: text.slice(0, 100) };
  return Object.fromEntries(Object.entries(value).map(([part, tee]) => [part, toText(tee) ?? "unknown"]));
}
