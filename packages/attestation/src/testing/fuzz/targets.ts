// SPDX-License-Identifier: Apache-2.0
import { createRoot, createSnpIntermediate, makeSnpWish, simulateSnp } from "@bulwark/simulation";
import type { Collateral, SnpCollateral } from "../../collateral/collateral.ts";
import { parseCollateral, parseSnpCollateral } from "../../collateral/parse.ts";
import { readQeIdentity } from "../../collateral/qe-identity.ts";
import { readTcbInfo } from "../../collateral/tcb-info.ts";
import { parseEventLog } from "../../event-log/parse.ts";
import { replayEventLog } from "../../event-log/replay.ts";
import { Malformed } from "../../malformed.ts";
import { parseQuote } from "../../quote/parse.ts";
import { readEndorsement } from "../../snp/endorsement.ts";
import { parseSnpReport } from "../../snp/report.ts";
import { readCertificate } from "../../x509/certificate.ts";
import { readCrl, toCrlDer } from "../../x509/crl.ts";
import { parsePem } from "../../x509/pem.ts";
import { readSgxExtension, SGX_EXTENSION_OID } from "../../x509/sgx-extension.ts";
import { FORMS, simulate } from "../evidence.ts";
import { findQuoteVector, quoteVectors, skipVectors, snpVectors } from "../vectors.ts";

/** A parser under attack: inputs to begin with, and how it is called. */
export type Target = { seeds: () => Buffer[]; run: (bytes: Buffer) => void };

const NOW = new Date("2026-03-01T12:00:00Z");
const text = (bytes: Buffer): string => bytes.toString("latin1");
const fromBase64 = (items: readonly (string | undefined)[]): Buffer[] =>
  items.flatMap((item) => (item === undefined ? [] : [Buffer.from(item, "base64")]));

/** Made when first asked for: some keys take a second. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const quotes = once((): { evidence: Buffer; collateral: Collateral }[] => [
  ...FORMS.map(({ tee, version }) => simulate(tee, { version })),
  ...quoteVectors,
]);

const reports = once((): { evidence: Buffer; collateral: SnpCollateral }[] => {
  const root = createRoot("amd", { now: NOW });
  return [simulateSnp(root, createSnpIntermediate(root, { now: NOW }), makeSnpWish(), { now: NOW }), ...snpVectors];
});

const chains = (): string[] => [
  ...quotes().flatMap(({ evidence, collateral }) => {
    const { type, data } = parseQuote(evidence).certificationData;
    return [...(type === 5 ? [text(data)] : []), collateral.tcbInfo?.issuerChainPem ?? ""];
  }),
  ...reports().map(({ collateral }) => collateral.caChainPem),
];

function readableCertificates(): Buffer[] {
  return chains().flatMap((chain) => {
    try {
      return parsePem(chain, "CERTIFICATE");
    } catch {
      return [];
    }
  });
}

/** Values of one extension, over the certificates there are. */
const extensionValues = (oid: string): Buffer[] =>
  readableCertificates().flatMap((der) => readCertificate(der).extensions.get(oid)?.value ?? []);

const crls = (): Buffer[] =>
  quotes().flatMap(({ collateral }) =>
    fromBase64([collateral.pckCrl?.derBase64, collateral.rootCaCrl?.derBase64]).filter((der) => der.length < 4096),
  );

const bodies = (item: "tcbInfo" | "qeIdentity") => (): Buffer[] =>
  quotes().flatMap(({ collateral }) => (collateral[item] ? [Buffer.from(collateral[item].body)] : []));

const asBundle = (collateral: Collateral | SnpCollateral): Buffer => Buffer.from(JSON.stringify(collateral));

/** A short log made by hand, and the records of the real one where it is there. */
function eventLogs(): Buffer[] {
  const spec = Buffer.from("53706563204944204576656e743033000000000000020002010000000c00300000", "hex");
  const head = Buffer.concat([
    Buffer.from("0100000003000000", "hex"),
    Buffer.alloc(20),
    Buffer.from([spec.length, 0, 0, 0]),
    spec,
  ]);
  const record = Buffer.concat([
    Buffer.from("010000000d000000010000000c00", "hex"),
    Buffer.alloc(48, 7),
    Buffer.from("0400000064617461", "hex"),
  ]);
  const made = Buffer.concat([head, record, record, Buffer.alloc(64, 0xff)]);
  return skipVectors === false
    ? [made, findQuoteVector("tdx-v4-event-log").read("eventlog.bin").subarray(0, 20_000)]
    : [made];
}

/** Every parser of the package by name. */
export const TARGETS: Readonly<Record<string, Target>> = {
  quote: { seeds: () => quotes().map(({ evidence }) => evidence), run: parseQuote },
  "snp-report": { seeds: () => reports().map(({ evidence }) => evidence), run: parseSnpReport },
  certificate: { seeds: readableCertificates, run: readCertificate },
  "sgx-extension": {
    seeds: () => extensionValues(SGX_EXTENSION_OID),
    run: (value) => readSgxExtension(new Map([[SGX_EXTENSION_OID, { isCritical: false, value }]])),
  },
  "snp-extensions": {
    seeds: () => fromBase64(reports().map(({ collateral }) => collateral.endorsementKeyDerBase64)),
    run: (der) => {
      const { extensions } = readCertificate(der);
      readEndorsement(extensions, "vcek");
      readEndorsement(extensions, "vlek");
    },
  },
  crl: { seeds: crls, run: (bytes) => void readCrl(toCrlDer(bytes)) },
  pem: {
    seeds: () => chains().map((chain) => Buffer.from(chain)),
    run: (bytes) => void parsePem(text(bytes), "CERTIFICATE"),
  },
  "tcb-info": { seeds: bodies("tcbInfo"), run: (bytes) => void readTcbInfo(text(bytes)) },
  "qe-identity": { seeds: bodies("qeIdentity"), run: (bytes) => void readQeIdentity(text(bytes)) },
  collateral: {
    seeds: () => quotes().map(({ collateral }) => asBundle(collateral)),
    run: (bytes) => void parseCollateral(text(bytes)),
  },
  "snp-collateral": {
    seeds: () => reports().map(({ collateral }) => asBundle(collateral)),
    run: (bytes) => void parseSnpCollateral(text(bytes)),
  },
  "event-log": { seeds: eventLogs, run: (bytes) => void replayEventLog(parseEventLog(bytes)) },
};

/** Whether an error is one that a parser may throw. */
export function isExpected(error: unknown): error is Error {
  return error instanceof Malformed || (error instanceof Error && error.name === "BulwarkError");
}
