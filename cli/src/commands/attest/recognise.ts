// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** In which encoding bytes came. */
export type Encoding = "binary" | "hex" | "base64" | "PEM" | "JSON" | "token";

/** What a file holds, and how it was told. Nothing of it has been verified. */
export type Recognised = {
  encoding: Encoding;
  kind: "quote" | "sev-snp report" | "certificate" | "collateral" | "sev-snp collateral" | "token";
  /** Decoded; for JSON, PEM and tokens the text as it was. */
  bytes: Buffer;
};

const SNP_REPORT_BYTES = 1184;
const SNP_VERSIONS: ReadonlySet<number> = new Set([2, 3, 4, 5]);
const KEY_TYPES: ReadonlySet<number> = new Set([2, 3]);
const TEE_TYPES: ReadonlySet<number> = new Set([0, 0x81]);
const DER_SEQUENCE = 0x30;
const DER_LONG_LENGTH = 0x82;

type Test = (bytes: Buffer) => boolean;

/** Kinds of bytes, by what stands at their beginning. */
const BINARY: readonly [Recognised["kind"], Test][] = [
  // The key type tells a quote of version 3 from a report of version 3.
  [
    "quote",
    (bytes) => bytes.length >= 48 && KEY_TYPES.has(bytes.readUInt16LE(2)) && TEE_TYPES.has(bytes.readUInt32LE(4)),
  ],
  ["sev-snp report", (bytes) => bytes.length >= SNP_REPORT_BYTES && SNP_VERSIONS.has(bytes.readUInt32LE(0))],
  ["certificate", (bytes) => bytes[0] === DER_SEQUENCE && bytes[1] === DER_LONG_LENGTH],
];

/** Encodings of text, each with what it makes of it; the first that fits counts. */
const TEXTS: readonly { encoding: Encoding; fits: RegExp; decode: (text: string) => Buffer }[] = [
  { encoding: "PEM", fits: /^-----BEGIN /, decode: (text) => Buffer.from(text) },
  { encoding: "JSON", fits: /^[{[]/, decode: (text) => Buffer.from(text) },
  { encoding: "token", fits: /^[\w-]+\.[\w-]+\.[\w-]*$/, decode: (text) => Buffer.from(text) },
  {
    encoding: "hex",
    fits: /^(0x)?([0-9a-fA-F]{2})+$/,
    decode: (text) => Buffer.from(text.replace(/^0x/, ""), "hex"),
  },
  // `base64url` reads both alphabets.
  { encoding: "base64", fits: /^[A-Za-z0-9+/_-]+={0,2}$/, decode: (text) => Buffer.from(text, "base64url") },
];

const isText = (bytes: Buffer): boolean => bytes.every((byte) => byte >= 0x09 && byte < 0x7f);

const unknown = (shown: string, what: string): BulwarkError =>
  new BulwarkError(
    "EVIDENCE_FORM_UNKNOWN",
    `${shown} ${what}.`,
    "pass a quote, report, certificate, collateral or token: as bytes, base64, hex, PEM or JSON",
  );

/** Which of the JSON documents this is. */
function recogniseJson(bytes: Buffer, shown: string): Recognised {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw unknown(shown, "looks like JSON and is none");
  }
  const keys = Object.keys(value ?? {});
  if (keys.includes("tcbInfo")) return { encoding: "JSON", kind: "collateral", bytes };
  if (keys.includes("endorsementKeyKind")) return { encoding: "JSON", kind: "sev-snp collateral", bytes };
  throw unknown(shown, "is JSON, and not a bundle of collateral");
}

function recogniseBinary(encoding: Encoding, bytes: Buffer, shown: string): Recognised {
  const kind = BINARY.find(([, fits]) => fits(bytes))?.[0];
  if (kind !== undefined) return { encoding, kind, bytes };
  throw unknown(
    shown,
    `holds ${bytes.length} bytes${encoding === "binary" ? "" : ` in ${encoding}`} that are no evidence`,
  );
}

/**
 * Tells what bytes are by themselves.
 *
 * @param shown how to call them in messages
 * @throws EVIDENCE_FORM_UNKNOWN
 */
export function recognise(input: Buffer, shown: string): Recognised {
  if (!isText(input)) return recogniseBinary("binary", input, shown);
  const text = input.toString("latin1").trim();
  const compact = text.replaceAll(/\s+/g, "");
  const found = TEXTS.find(({ encoding, fits }) =>
    fits.test(encoding === "JSON" || encoding === "PEM" ? text : compact),
  );
  if (found === undefined) throw unknown(shown, "is text that is neither base64, hex, PEM, JSON nor a token");
  const { encoding, decode } = found;
  if (encoding === "PEM") return { encoding, kind: "certificate", bytes: decode(text) };
  if (encoding === "JSON") return recogniseJson(decode(text), shown);
  if (encoding === "token") return { encoding, kind: "token", bytes: decode(compact) };
  return recogniseBinary(encoding, decode(compact), shown);
}
