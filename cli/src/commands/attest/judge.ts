// SPDX-License-Identifier: Apache-2.0
import { join, resolve } from "node:path";
import type {
  AttestationResult,
  Collateral,
  Instant,
  Quote,
  QuoteVerdict,
  SnpCollateral,
  TrustedRoots,
  Verdict,
} from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Command } from "commander";
import type { Context } from "../../command.ts";
import { type Call, readText } from "./action.ts";
import { addServiceFlags, openSource } from "./collateral-source.ts";
import { EVIDENCE, POLICY, readInput } from "./read-input.ts";
import { type Encoding, type Recognised, recognise } from "./recognise.ts";
import { addRootFlag, readRoots } from "./roots.ts";

/** Evidence that was verified, and what a policy says of it. */
export type Judged = { verdict: Verdict; result: AttestationResult | null; encoding: Encoding };

/** Adds the flags that judging evidence reads. */
export function addJudgeFlags(command: Command): Command {
  command
    .option("--collateral <place>", "folder, bundle file or https address; Intel's own service when left out")
    .option("--at <instant>", "verify as of an instant, such as 2026-03-01T12:00:00Z; now when left out")
    .option("--report-data <hex>", "the 64 bytes that the evidence must carry")
    .option("--event-log <file>", "log of a trust domain; replaying it must give the RTMRs of the quote");
  return addRootFlag(addServiceFlags(command));
}

/** Reads evidence; throws for what is something else. */
export async function readEvidence(context: Context, file: string): Promise<Recognised & { shown: string }> {
  const { bytes, shown } = await readInput(context, file, EVIDENCE);
  const recognised = recognise(bytes, shown);
  const { kind, encoding } = recognised;
  if (kind === "quote" || kind === "sev-snp report") {
    context.progress.note(`${shown} is a ${kind} (${encoding})`);
    return { ...recognised, shown };
  }
  throw new BulwarkError(
    "EVIDENCE_FORM_UNKNOWN",
    `${shown} is no quote or report, but a ${kind} (${encoding}).`,
    `look at it: bulwark attest show ${file}`,
  );
}

/** The instant of the decision. */
export async function readInstant(context: Context, value: unknown): Promise<Instant> {
  const { parseInstant, toInstant } = await import("@bulwark/attestation");
  const text = readText(value);
  return text === undefined ? toInstant(context.now()) : parseInstant(text);
}

const REPORT_DATA = /^(0x)?[0-9a-fA-F]{128}$/;

/** What the evidence must be bound to: never padded, never cut. */
function readReportData(value: unknown): Buffer | undefined {
  const text = readText(value);
  if (text === undefined) return undefined;
  if (REPORT_DATA.test(text)) return Buffer.from(text.replace(/^0x/, ""), "hex");
  throw new BulwarkError(
    "USAGE",
    `--report-data has ${text.length} characters, and report data is 64 bytes, 128 hex digits.`,
    "pad a shorter hash with zeros on the right yourself, as whoever made the evidence did",
  );
}

/** Collateral for a quote, from where the flag says. */
async function fetchCollateral(context: Context, quote: Quote, flags: Call["flags"]): Promise<Collateral> {
  const [{ inspectPlatform }, { toRequest }] = await Promise.all([
    import("@bulwark/attestation"),
    import("@bulwark/collateral"),
  ]);
  const source = await openSource(context, readText(flags.collateral), flags);
  let request = { tee: quote.tee, fmspc: "0".repeat(12), ca: "platform" as "platform" | "processor" };
  try {
    request = toRequest(quote.tee, inspectPlatform(quote));
  } catch (error) {
    // Such a quote carries no chain; a bundle may have it, a service cannot be asked without it.
    if (!(error instanceof BulwarkError) || error.code !== "COLLATERAL_MISSING" || source.name.includes("://"))
      throw error;
  }
  const step = context.progress.step(`Collateral from ${source.name}`);
  const collateral = await source.fetch(request, { signal: context.signal });
  step.done();
  return collateral;
}

const SNP_BUNDLE = "collateral.json";

/** Endorsements of a report: a bundle file, or `collateral.json` in a folder. */
async function readSnpCollateral(context: Context, flags: Call["flags"]): Promise<SnpCollateral> {
  const place = readText(flags.collateral);
  if (place === undefined || place.includes("://")) {
    throw new BulwarkError(
      "COLLATERAL_MISSING",
      "The certificate of the chip (VCEK or VLEK) is missing; it is not fetched from AMD in this version.",
      `name a bundle with endorsementKeyDerBase64 and caChainPem: --collateral ${SNP_BUNDLE}`,
    );
  }
  const { parseSnpCollateral } = await import("@bulwark/attestation");
  const kind = { ...EVIDENCE, missing: "COLLATERAL_FILE_MISSING", unreadable: "COLLATERAL_INVALID" } as const;
  const { bytes } = await readInput(context, place, kind).catch((error: unknown) => {
    if (!(error instanceof BulwarkError) || error.code !== "COLLATERAL_INVALID") throw error;
    return readInput(context, join(resolve(context.cwd, place), SNP_BUNDLE), kind);
  });
  return parseSnpCollateral(bytes.toString());
}

/** Simulated evidence under hardware roots would fail as untrusted; this says plainly why. */
function refuseUnasked(isSimulated: boolean, roots: TrustedRoots): void {
  if (!isSimulated || roots.some(({ kind }) => kind === "simulation")) return;
  throw new BulwarkError(
    "SIMULATION_NOT_ALLOWED",
    "The evidence is simulated, and simulated evidence was not asked for.",
    "on a test system only: --simulation-root root.pem, and a policy that names the same root",
  );
}

async function verify(context: Context, evidence: Recognised, flags: Call["flags"]): Promise<Verdict> {
  const attestation = await import("@bulwark/attestation");
  const { inspectQuote, parseQuote, verifyQuote, verifySnpReport } = attestation;
  const trustedRoots = await readRoots(context, flags);
  const expectedReportData = readReportData(flags.reportData);
  const options = {
    trustedRoots,
    now: await readInstant(context, flags.at),
    ...(expectedReportData === undefined ? {} : { expectedReportData }),
  };
  if (evidence.kind === "sev-snp report") {
    return verifySnpReport(evidence.bytes, await readSnpCollateral(context, flags), options);
  }
  const quote = parseQuote(evidence.bytes);
  refuseUnasked(inspectQuote(quote).claimsSimulation, trustedRoots);
  const verdict = verifyQuote(evidence.bytes, await fetchCollateral(context, quote, flags), options);
  await checkLog(context, verdict, readText(flags.eventLog));
  return verdict;
}

/** Replays an event log, where one is given, against registers that were verified. */
async function checkLog(context: Context, verdict: QuoteVerdict, file: string | undefined): Promise<void> {
  if (file === undefined) return;
  if (verdict.tee !== "tdx") {
    throw new BulwarkError(
      "USAGE",
      `An event log belongs to a trust domain, and this is ${verdict.tee}.`,
      "leave out --event-log",
    );
  }
  const { checkEventLog, parseEventLog } = await import("@bulwark/attestation");
  const { bytes } = await readInput(context, file, EVIDENCE);
  const log = parseEventLog(bytes);
  checkEventLog(log, verdict.measurements);
  context.progress.note(`${file} gives the RTMRs of the quote: ${log.events.length} events`);
}

/**
 * Verifies evidence and, where a policy is given, appraises it.
 *
 * @throws BulwarkError as the steps of the verification do; what the policy says is in the result
 */
export async function judge(
  context: Context,
  file: string,
  { policy, flags }: { policy: string | undefined; flags: Call["flags"] },
): Promise<Judged> {
  // The policy first: what is wrong with it needs no network to be told.
  const compiled = policy === undefined ? null : await readPolicy(context, policy);
  const evidence = await readEvidence(context, file);
  const verdict = await verify(context, evidence, flags);
  const { appraise } = await import("@bulwark/attestation");
  const result = compiled === null ? null : appraise(verdict, compiled, await readInstant(context, verdict.now));
  return { verdict, result, encoding: evidence.encoding };
}

/** Reads, checks and compiles a policy. */
export async function readPolicy(context: Context, file: string) {
  const [{ parsePolicy }, { compilePolicy }] = await Promise.all([
    import("@bulwark/contracts/policy"),
    import("@bulwark/attestation"),
  ]);
  const { bytes, shown } = await readInput(context, file, POLICY);
  return compilePolicy(parsePolicy(bytes, { file: shown }));
}
