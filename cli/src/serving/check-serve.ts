// SPDX-License-Identifier: Apache-2.0
// What cannot work is found before anything starts, in the words of whoever starts it: flags, and the settings file.
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { findOlderBlobFaults, findSettingsFaults } from "@bulwark/inference";
import { parsePostProcessing } from "@bulwark/tensors";

/** Flags, and over them what the settings file says under the same names. */
type Given = Readonly<Record<string, unknown>>;
type Conflict = { isThere(given: Given): boolean; message: string; mend: string };

const LOOPBACK: readonly unknown[] = ["127.0.0.1", "::1", "localhost"];

/** Whether the gateway leaves requests of any model to engines. */
export const isQueued = ({ delivery }: Given): boolean => Object.values(Object(delivery)).includes("durable");

const CONFLICTS: readonly Conflict[] = [
  {
    isThere: ({ engine, direct }) => engine === "flink" && direct === true,
    message: "Flink computes what is queued; --direct has no queue.",
    mend: "leave out --direct",
  },
  {
    isThere: ({ engines, direct }) => Number(engines) > 1 && direct === true,
    message: "--engines: they compute what is queued, and --direct has no queue.",
    mend: 'leave out one of them; copies of a model in the gateway are a setting: modelSettings: { "*": { instances: 2 } }',
  },
  {
    isThere: ({ engines, engine }) => Number(engines) > 1 && engine === "flink",
    message: "--engines: these are embedded ones, and --engine flink starts none.",
    mend: "say how many subtasks Flink gets: --parallelism NUMBER",
  },
  {
    isThere: ({ parallelism, engine }) => Number(parallelism) > 1 && engine !== "flink",
    message: "--parallelism: this is Flink's, which is not asked for.",
    mend: "add --engine flink, or say how many embedded engines there are: --engines NUMBER",
  },
  {
    isThere: (given) => isQueued(given) && given.direct === true,
    message: "delivery: durable goes through the queue; --direct has no queue.",
    mend: "leave out --direct, or delivery in the settings file",
  },
  {
    // What BigDL encrypted is opened by the gateway and by engines, which have to find the secrets in files.
    isThere: ({ older, direct }) => waitsForSecrets(older) && direct !== true,
    message: "What /model-secure is told stays in the gateway, away from engines.",
    mend: "set older.models.secretFile and saltFile, or add --direct",
  },
  {
    isThere: ({ host = LOOPBACK[0], tokensFile, clientCertificates }) =>
      !LOOPBACK.includes(host) && tokensFile === undefined && clientCertificates !== true,
    message: "Others reach this address, and nobody would ask them who they are.",
    mend: "add --tokens FILE or --client-certificates, or listen on 127.0.0.1 alone",
  },
];

function waitsForSecrets(older: unknown): boolean {
  const { models } = Object(older) as Given;
  return models !== undefined && Object(models).secretFile === undefined;
}

/** Refuses flags and settings that do not go together. Throws USAGE, with every finding. */
export function checkTogether(given: Given): void {
  const conflicts = CONFLICTS.filter(({ isThere }) => isThere(given));
  refuse(conflicts.map(({ message, mend }) => ({ code: "USAGE", message, mend })));
}

/**
 * Refuses settings of models, and of older clients' answers, that neither gateway nor engine would take.
 *
 * @throws BulwarkError SERVING_CONFIG with every finding
 */
export function checkSettings({ modelSettings = {}, older }: Given, file: string): void {
  const { models, records, postProcessing = "" } = Object(older) as Given;
  const mend = `mend it in ${file}`;
  const faults = [
    ...findSettingsFaults(modelSettings),
    ...findOlderBlobFaults("older.models", models, { mayWait: true }),
    ...findOlderBlobFaults("older.records", records, { mayWait: false }),
  ].map((message) => ({ message, mend }));
  const all = [...faults, ...findPostProcessingFault(postProcessing, mend)];
  refuse(all.map((fault) => ({ code: "SERVING_CONFIG", ...fault, file })));
}

function findPostProcessingFault(given: unknown, mend: string): { message: string; mend: string }[] {
  if (typeof given !== "string") return [{ message: "older.postProcessing is to be a text", mend }];
  try {
    parsePostProcessing(given);
    return [];
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return [{ message: error.message, mend: `${error.mend}: ${mend}` }];
  }
}

function refuse(findings: readonly Finding[]): void {
  const [first, ...others] = findings;
  if (first === undefined) return;
  throw new BulwarkError(first.code, first.message, first.mend, others.length === 0 ? {} : { findings });
}
