// SPDX-License-Identifier: Apache-2.0
// What cannot work is found before anything starts, in the words of whoever starts it: flags, and the settings file.
import { BulwarkError, countFindings, type Finding } from "@bulwark/contracts/errors";
import { checkGatewaySettings } from "@bulwark/contracts/serving";
import { findOlderBlobFaults } from "@bulwark/inference";

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
  const findings = conflicts.map(({ message, mend }): Finding => ({ code: "USAGE", message, mend }));
  const [first, ...others] = findings;
  if (first === undefined) return;
  throw new BulwarkError("USAGE", first.message, first.mend, others.length === 0 ? {} : { findings });
}

/**
 * Refuses a file's settings that the gateway would refuse: each by itself, and what BigDL's secrets need.
 *
 * @throws BulwarkError SERVING_CONFIG with every finding
 */
export function checkSettings(settings: Given, file: string): void {
  const { models, records } = Object(settings.older) as Given;
  // Defaults are filled into what is checked. Several places of models become one folder before the gateway sees them.
  const issues = checkGatewaySettings({ ...structuredClone(settings), models: "models" });
  const misfits = issues.map(({ at, message, mend }) => ({ message, mend, path: at.join(".") }));
  const faults = [
    ...findOlderBlobFaults("older.models", models, { mayWait: true }),
    ...findOlderBlobFaults("older.records", records, { mayWait: false }),
  ].map((message) => ({ message, mend: "write { cipher: NAME, secretFile: PATH, saltFile: PATH }" }));
  const findings = [...misfits, ...faults].map((fault): Finding => ({ code: "SERVING_CONFIG", ...fault, file }));
  if (findings.length === 0) return;
  const mend = `correct what is listed above, then: bulwark serve --settings ${file}`;
  throw new BulwarkError("SERVING_CONFIG", `${file} has ${countFindings(findings)}`, mend, { findings });
}
