// SPDX-License-Identifier: Apache-2.0
import { Malformed, readAs } from "../malformed.ts";
import type { Collateral, SignedDocument, SnpCollateral } from "./collateral.ts";
import { type JsonObject, parseJsonObject, toObject, toText } from "./json.ts";

const SHAPE = {
  code: "COLLATERAL_INVALID",
  item: "collateral",
  mend: "pass a bundle with the keys tcbInfo, qeIdentity, pckCrl and rootCaCrl: bulwark attest collateral fetch",
} as const;

/** What each object of a bundle may hold; `?` marks a key that may be absent. */
const KEYS = {
  dcap: ["tcbInfo", "qeIdentity", "pckCrl", "rootCaCrl", "pckChainPem?"],
  document: ["issuerChainPem", "body", "signatureHex"],
  pckCrl: ["issuerChainPem?", "derBase64"],
  rootCaCrl: ["derBase64"],
  snp: ["endorsementKeyKind", "endorsementKeyDerBase64", "caChainPem", "crlDerBase64?"],
} as const;

/**
 * Reads a bundle for SGX or TDX from JSON text. An item that is `null` is kept so: verification then refuses and names it.
 *
 * @throws COLLATERAL_INVALID for an unknown or missing key, or a value of another type
 */
export function parseCollateral(text: string): Collateral {
  return readAs(SHAPE, () => {
    const bundle = checkKeys(parseJsonObject(text), KEYS.dcap, "the bundle");
    return {
      tcbInfo: readDocument(bundle.tcbInfo, "tcbInfo"),
      qeIdentity: readDocument(bundle.qeIdentity, "qeIdentity"),
      pckCrl: isAbsent(bundle.pckCrl) ? null : readPckCrl(bundle.pckCrl),
      rootCaCrl: isAbsent(bundle.rootCaCrl)
        ? null
        : { derBase64: readText(bundle.rootCaCrl, KEYS.rootCaCrl, "rootCaCrl").derBase64 ?? "" },
      pckChainPem: isAbsent(bundle.pckChainPem) ? null : toText(bundle.pckChainPem, "pckChainPem"),
    };
  });
}

/**
 * Reads a bundle for SEV-SNP from JSON text.
 *
 * @throws COLLATERAL_INVALID for an unknown or missing key, or a value of another type
 */
export function parseSnpCollateral(text: string): SnpCollateral {
  return readAs(SHAPE, () => {
    const bundle = checkKeys(parseJsonObject(text), KEYS.snp, "the bundle");
    const endorsementKeyKind = toText(bundle.endorsementKeyKind, "endorsementKeyKind");
    if (endorsementKeyKind !== "vcek" && endorsementKeyKind !== "vlek")
      throw new Malformed("the key is no VCEK or VLEK");
    return {
      endorsementKeyKind,
      endorsementKeyDerBase64: toText(bundle.endorsementKeyDerBase64, "endorsementKeyDerBase64"),
      caChainPem: toText(bundle.caChainPem, "caChainPem"),
      crlDerBase64: isAbsent(bundle.crlDerBase64) ? null : toText(bundle.crlDerBase64, "crlDerBase64"),
    };
  });
}

const isAbsent = (value: unknown): boolean => value === null || value === undefined;

function readDocument(value: unknown, what: string): SignedDocument | null {
  if (isAbsent(value)) return null;
  const { issuerChainPem = "", body = "", signatureHex = "" } = readText(value, KEYS.document, what);
  return { issuerChainPem, body, signatureHex };
}

function readPckCrl(value: unknown): Collateral["pckCrl"] {
  const { derBase64 = "", issuerChainPem } = readText(value, KEYS.pckCrl, "pckCrl");
  return issuerChainPem === undefined ? { derBase64 } : { derBase64, issuerChainPem };
}

/** An object of texts; a key that may be absent may also be null. */
function readText(value: unknown, keys: readonly string[], what: string): Record<string, string | undefined> {
  const object = checkKeys(toObject(value, what), keys, what);
  return Object.fromEntries(
    Object.entries(object)
      .filter(([key, item]) => !(keys.includes(`${key}?`) && isAbsent(item)))
      .map(([key, item]) => [key, toText(item, `${what}.${key}`)]),
  );
}

function checkKeys(object: JsonObject, keys: readonly string[], what: string): JsonObject {
  for (const key of Object.keys(object)) {
    if (!keys.includes(key) && !keys.includes(`${key}?`)) throw new Malformed(`${what} has an unknown key`);
  }
  for (const key of keys) {
    if (!key.endsWith("?") && object[key] === undefined) throw new Malformed(`${what} lacks ${key}`);
  }
  return object;
}
