// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Result } from "../../command.ts";
import type { Action } from "./action.ts";
import { EVIDENCE, readInput } from "./read-input.ts";
import { type Encoding, type Recognised, recognise } from "./recognise.ts";
import { listMeasurements, presentRows, type Row } from "./rows.ts";

type Attestation = typeof import("@bulwark/attestation");
type Show = (bytes: Buffer, attestation: Attestation) => { value: object; rows: readonly Row[] };

const CAVEAT: Row = ["verified", "no: this is what it says of itself"];

/** A quote with what its PCK certificate says of the platform, where it carries one. */
const showQuote: Show = (bytes, { inspectPlatform, inspectQuote, parseQuote }) => {
  const quote = parseQuote(bytes);
  const claim = inspectQuote(quote);
  const platform = readOptional(() => inspectPlatform(quote));
  return {
    value: { ...claim, ...platform },
    rows: [
      ["TEE", `${claim.claimsSimulation ? "sim-" : ""}${claim.tee}, ${claim.bodyType}`],
      ...listMeasurements(claim),
      ...(platform === undefined
        ? [["platform", `not in the quote (certification data of type ${claim.certificationDataType})`] as const]
        : ([
            ["platform", `FMSPC ${platform.fmspc}, ${platform.ca} CA`],
            ["PPID hash", platform.ppidHash],
            ["instance id", platform.piid ?? "none"],
            ["root", platform.rootFingerprint],
          ] as const)),
      ["trailing bytes", `${claim.trailingBytes}${claim.trailingBytesAllZero ? "" : ", not all zero"}`],
    ],
  };
};

/** A part that a quote need not carry; what is wrong with it is for the verification to say. */
function readOptional<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BulwarkError) return undefined;
    throw error;
  }
}

const showReport: Show = (bytes, { inspectSnpReport, parseSnpReport }) => {
  const claim = inspectSnpReport(parseSnpReport(bytes));
  return {
    value: claim,
    rows: [["TEE", `sev-snp, signed by ${claim.endorsementKeyKind}`], ...listMeasurements(claim)],
  };
};

/** Extensions in which certificates carry evidence: TCG DICE tagged evidence, and Gramine's older one. */
const EVIDENCE_EXTENSIONS: Readonly<Record<string, string>> = {
  "2.23.133.5.4.9": "TCG DICE tagged evidence",
  "1.2.840.113741.1337.6": "Gramine RA-TLS quote",
};
/** Version 3 to 5 and key type ECDSA P-256, as every quote begins. */
const QUOTE_STARTS = [3, 4, 5].map((version) => Buffer.from([version, 0, 2, 0]));

/** A quote inside the value of an extension. */
function findQuote(value: Uint8Array, { parseQuote }: Attestation): Buffer | undefined {
  const bytes = Buffer.from(value);
  for (const start of QUOTE_STARTS) {
    const at = bytes.indexOf(start);
    const quote = at === -1 ? undefined : bytes.subarray(at);
    if (quote !== undefined && readOptional(() => parseQuote(quote)) !== undefined) return quote;
  }
  return undefined;
}

const showCertificate: Show = (bytes, attestation) => {
  const isPem = bytes.subarray(0, 5).toString("latin1") === "-----";
  const claims = attestation.inspectCertificates(isPem ? bytes.toString("latin1") : bytes);
  const found = claims.flatMap(({ extensions }) =>
    [...extensions].flatMap(([id, value]) => {
      const quote = findQuote(value, attestation);
      const name = EVIDENCE_EXTENSIONS[id] ?? `extension ${id}`;
      return quote === undefined ? [] : [{ name, ...showQuote(quote, attestation) }];
    }),
  );
  return {
    value: {
      certificates: claims.map(({ extensions, ...claim }) => ({ ...claim, extensions: [...extensions.keys()] })),
      evidence: found.map(({ name, value }) => ({ extension: name, ...value })),
    },
    rows: [
      ...claims.flatMap(({ commonName, fingerprint, validFrom, validTo, isCa }): Row[] => [
        [isCa ? "authority" : "certificate", commonName],
        ["SHA-256", fingerprint],
        ["valid", `${validFrom} to ${validTo}`],
      ]),
      ...(found.length === 0 ? [["evidence", "none inside"] as const] : []),
      ...found.flatMap(({ name, rows }): Row[] => [["evidence", name], ...rows]),
    ],
  };
};

const showCollateral: Show = (bytes, { inspectCollateral, parseCollateral }) => {
  const claims = inspectCollateral(parseCollateral(bytes.toString()));
  return {
    value: { items: claims },
    rows: claims.map(({ item, validFrom, validTo, detail }) => [item, `${detail}; ${validFrom} to ${validTo}`]),
  };
};

const showSnpCollateral: Show = (bytes, attestation) => {
  const { endorsementKeyKind, endorsementKeyDerBase64, caChainPem } = attestation.parseSnpCollateral(bytes.toString());
  const key = showCertificate(Buffer.from(endorsementKeyDerBase64, "base64"), attestation);
  const chain = showCertificate(Buffer.from(caChainPem), attestation);
  const isFact = ([what]: Row): boolean => what !== "evidence";
  return {
    value: { endorsementKeyKind, endorsementKey: key.value, caChain: chain.value },
    rows: [["kind", endorsementKeyKind.toUpperCase()], ...key.rows.filter(isFact), ...chain.rows.filter(isFact)],
  };
};

/** One part of a token (RFC 7519): base64url of JSON. */
function readTokenPart(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new BulwarkError(
    "EVIDENCE_FORM_UNKNOWN",
    "It has the form of a token, and its parts are no JSON.",
    "pass a token as it was given",
  );
}

/** An EAR token (draft-ietf-rats-ear): who made it, and the status of each part. */
const showToken: Show = (bytes) => {
  const [head = "", body = ""] = bytes.toString().split(".");
  const [header, claims] = [readTokenPart(head), readTokenPart(body)];
  const parts = Object.entries((claims.submods ?? {}) as Record<string, Record<string, unknown>>);
  const instant = (value: unknown): string =>
    typeof value === "number" && Math.abs(value) < 1e11
      ? new Date(value * 1000).toISOString()
      : String(value ?? "not said");
  return {
    value: { header, claims },
    rows: [
      ["algorithm", String(header.alg ?? "none")],
      ["issuer", String(claims.iss ?? "not said")],
      ["issued", instant(claims.iat)],
      ["expires", instant(claims.exp)],
      ...parts.flatMap(([name, part]): Row[] => [
        [`${name} status`, String(part["ear.status"] ?? "not said")],
        [`${name} trustworthiness`, JSON.stringify(part["ear.trustworthiness-vector"] ?? {})],
      ]),
    ],
  };
};

const SHOW: Readonly<Record<Recognised["kind"], Show>> = {
  quote: showQuote,
  "sev-snp report": showReport,
  certificate: showCertificate,
  collateral: showCollateral,
  "sev-snp collateral": showSnpCollateral,
  token: showToken,
};

const present = (kind: string, encoding: Encoding, { value, rows }: ReturnType<Show>): Result =>
  presentRows({ kind, encoding, verified: false, ...value }, [
    ["kind", kind === encoding ? kind : `${kind} (${encoding})`],
    ...rows,
    CAVEAT,
  ]);

export const show: Action = {
  description: "show what a quote, report, certificate, collateral or token says of itself; verifies nothing",
  configure(command) {
    command.argument("<file>", "bytes, base64, hex, PEM or JSON; - is standard input");
  },
  async execute(context, { args }) {
    const { bytes, shown } = await readInput(context, args[0] ?? "", EVIDENCE);
    const { kind, encoding, bytes: decoded } = recognise(bytes, shown);
    return present(kind, encoding, SHOW[kind](decoded, await import("@bulwark/attestation")));
  },
};
