// SPDX-License-Identifier: Apache-2.0
import { createHash, type KeyObject, sign } from "node:crypto";
import { DEBUG_SGX, DEBUG_TD, QE_PROD_ID, QE_SIGNER, SGX_FLAGS, VENDOR_ID } from "./marks.ts";
import type { Adjust, IntelWish } from "./wish.ts";

/** Keys of one simulated platform: who signs what in a quote. */
export type QuoteKeys = { pck: KeyObject; attestation: KeyObject; attestationPublic: KeyObject };

const KEY_TYPE_ECDSA_P256 = 2;
const TEE_TYPE = { sgx: 0, tdx: 0x81 } as const;
const CERTIFICATION = { pemChain: 5, qeReport: 6 } as const;
const QE_AUTH_DATA = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const QE_SVN_IN_HEADER = 10;

type Field = readonly [offset: number, bytes: Uint8Array];

const u16 = (value: number): Buffer => Buffer.from([value & 0xff, value >> 8]);
function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** A record of a fixed size with fields at their offsets. */
function lay(size: number, fields: readonly Field[]): Buffer {
  const record = Buffer.alloc(size);
  for (const [offset, bytes] of fields) record.set(bytes, offset);
  return record;
}

/** The body of an SGX report (Intel SGX DCAP quote format, table of the enclave report body). */
function makeEnclaveBody({ enclave, platform, reportData }: IntelWish): Buffer {
  return lay(384, [
    [0, platform.cpuSvn],
    [48, u64(SGX_FLAGS | DEBUG_SGX | enclave.flags)],
    [56, u64(0xe7n)],
    [64, enclave.mrenclave],
    [128, enclave.mrsigner],
    [192, enclave.configId],
    [256, u16(enclave.isvProdId)],
    [258, u16(enclave.isvSvn)],
    [260, u16(enclave.configSvn)],
    [320, reportData],
  ]);
}

/** The body of a TD report, 1.0 or 1.5. */
function makeDomainBody({ domain, reportData, bodyType }: IntelWish): Buffer {
  const isRelaunchable = bodyType === 3;
  return lay(isRelaunchable ? 648 : 584, [
    [0, domain.teeTcbSvn],
    [120, u64(DEBUG_TD | domain.attributes)],
    [128, u64(domain.xfam)],
    [136, domain.mrtd],
    [184, domain.mrconfigid],
    [232, domain.mrowner],
    [280, domain.mrownerconfig],
    ...domain.rtmr.map((register, index): Field => [328 + 48 * index, register]),
    [520, reportData],
    ...(isRelaunchable ? ([[584, domain.teeTcbSvn2] as const, [600, domain.mrservicetd] as const] as const) : []),
  ]);
}

function makeHeader({ version, tee, qeSvn, platform }: IntelWish): Buffer {
  return lay(48, [
    [0, u16(version)],
    [2, u16(KEY_TYPE_ECDSA_P256)],
    [4, u32(TEE_TYPE[tee])],
    ...(version === 3 ? ([[8, u16(qeSvn)] as const, [QE_SVN_IN_HEADER, u16(platform.pceSvn)] as const] as const) : []),
    [12, VENDOR_ID],
  ]);
}

/** Header and body: what the attestation key signs. */
export function makeSignedPart(wish: IntelWish): Buffer {
  const body = wish.tee === "sgx" ? makeEnclaveBody(wish) : makeDomainBody(wish);
  const descriptor = wish.version === 5 ? [u16(wish.bodyType), u32(body.length)] : [];
  return Buffer.concat([makeHeader(wish), ...descriptor, body]);
}

/** The quoting enclave's report over the attestation key. */
function makeQeReport(wish: IntelWish, attestationKey: Buffer): Buffer {
  const bound = createHash("sha256").update(attestationKey).update(QE_AUTH_DATA).digest();
  return lay(384, [
    [0, wish.platform.cpuSvn],
    [48, u64(0x11n)],
    [56, u64(0xe7n)],
    [64, createHash("sha256").update("simulated QE code").digest()],
    [128, QE_SIGNER],
    [256, u16(QE_PROD_ID[wish.tee])],
    [258, u16(wish.qeSvn)],
    [320, bound],
  ]);
}

const signRaw = (data: Buffer, key: KeyObject): Buffer => sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });

/** X and Y of a P-256 key. */
export function toPoint(key: KeyObject): Buffer {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  return Buffer.concat([Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
}

const certification = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type), u32(data.length), data]);

/** A whole quote with its chain, leaf first. */
export function makeQuote(wish: IntelWish, keys: QuoteKeys, chain: readonly string[], adjust: Adjust): Buffer {
  const signed = adjust.signedPart?.(makeSignedPart(wish)) ?? makeSignedPart(wish);
  const attestationKey = toPoint(keys.attestationPublic);
  const right = makeQeReport(wish, attestationKey);
  const report = adjust.qeReport?.(right) ?? right;
  const pems = adjust.chain?.(chain) ?? chain;
  const reportAndChain = Buffer.concat([
    report,
    signRaw(report, adjust.key?.("qeReport", keys.pck) ?? keys.pck),
    u16(QE_AUTH_DATA.length),
    QE_AUTH_DATA,
    certification(CERTIFICATION.pemChain, Buffer.from(pems.join(""))),
  ]);
  const signature = signRaw(signed, adjust.key?.("quote", keys.attestation) ?? keys.attestation);
  const tail = wish.version === 3 ? reportAndChain : certification(CERTIFICATION.qeReport, reportAndChain);
  const data = Buffer.concat([signature, attestationKey, tail]);
  const quote = Buffer.concat([signed, u32(data.length), data]);
  return adjust.evidence?.(quote) ?? quote;
}
